import {
  createMessageDecoder,
  maxPooledBytes,
  type MemoryCharge,
  type MessageDecoder,
} from '../message-decoder.ts'

/**
 * Reuses the buffers of request messages. grpc-js collects the pieces of a message and joins them in new memory each time;
 * for messages of some hundred kilobytes, page faults of that memory then cost an upload as much as its SHA-256. No upstream issue is known. Remove this when grpc-js decodes
 * messages from their pieces or takes an allocator, and `bench --parts grpc-upload` is as fast without it.
 * `message-pool.test.ts` tests that no buffer is used twice.
 */
export interface MessagePool {
  /** Creates the decoder of one call that uses one message at a time. */
  decoder(maxMessageBytes: number, charge: MemoryCharge): MessageDecoder
  /** Records that a decoded message refers to these bytes. */
  track<M extends object>(message: M, bytes: Buffer): M
  /** Puts the buffer of a message back. A message that is never released is left to the garbage collector. */
  release(message: object): void
}

/** Smaller messages arrive whole and are cheap to copy, so their buffers are not pooled. */
const minPooledBytes = 16 * 1024
/** Buffers are multiples of this size, so that messages of similar sizes share them. */
const granularityBytes = 64 * 1024
/** Most bytes of free buffers that the pool keeps. */
const maxFreeBytes = 8 * 1024 * 1024

export function createMessagePool(): MessagePool {
  const free = new Map<number, Buffer[]>()
  const pooled = new WeakSet<ArrayBufferLike>()
  const bufferOf = new WeakMap<object, ArrayBufferLike>()
  let freeBytes = 0

  const allocate = (bytes: number): Buffer => {
    if (bytes < minPooledBytes || bytes > maxPooledBytes) return Buffer.allocUnsafe(bytes)
    const size = Math.ceil(bytes / granularityBytes) * granularityBytes
    let buffer = free.get(size)?.pop()
    if (buffer) freeBytes -= size
    else {
      buffer = Buffer.allocUnsafeSlow(size)
      pooled.add(buffer.buffer)
    }
    return buffer.subarray(0, bytes)
  }

  const putBack = (memory: ArrayBufferLike) => {
    if (freeBytes + memory.byteLength > maxFreeBytes) return
    freeBytes += memory.byteLength
    const buffer = Buffer.from(memory)
    const others = free.get(buffer.length)
    if (others) others.push(buffer)
    else free.set(buffer.length, [buffer])
  }

  return {
    decoder: (maxMessageBytes, charge) => createMessageDecoder(maxMessageBytes, charge, allocate),
    track(message, bytes) {
      if (pooled.has(bytes.buffer)) bufferOf.set(message, bytes.buffer)
      return message
    },
    release(message) {
      const memory = bufferOf.get(message)
      if (memory === undefined) return
      bufferOf.delete(message)
      putBack(memory)
    },
  }
}

import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'

/**
 * Puts messages together from what the connection brings, in memory that is used again and again. grpc-js gathers the
 * pieces and joins them in a new place each time; for messages of some hundred kilobytes the kernel's work for new
 * memory then costs an upload as much as its digest.
 */
export interface Frames {
  /** Lets a call of grpc-js read by us. @throws Error when this version of grpc-js is made otherwise. */
  fit(call: ServerInterceptingCallInterface, largestMessage: number): void
  /** Notes that a message looks into these bytes, so that they can be given back with it. */
  lend<M extends object>(message: M, bytes: Buffer): M
  /** Nobody looks into the message any more. One that is never given back is left to the garbage collector. */
  giveBack(message: object): void
}

/** What grpc-js asks of whatever reads its streams: messages with the five bytes before them. */
export interface Decoder {
  /** @throws Error when a message is too large. */
  write(data: Buffer): Buffer[]
}

/** Smaller ones come whole and are copied in no time, larger ones are nothing that we recommend. */
const leastBytes = 16 * 1024
const mostBytes = 320 * 1024
const grainBytes = 64 * 1024
/** What is kept for the next messages, at most. */
const mostSpareBytes = 8 * 1024 * 1024

export function createFrames(): Frames {
  const spare = new Map<number, Buffer[]>()
  const ours = new WeakSet<ArrayBufferLike>()
  const lent = new WeakMap<object, ArrayBufferLike>()
  let spareBytes = 0

  const take = (bytes: number): Buffer => {
    if (bytes < leastBytes) return Buffer.allocUnsafe(bytes)
    const roomBytes = Math.ceil(bytes / grainBytes) * grainBytes
    let room = spare.get(roomBytes)?.pop()
    if (room) spareBytes -= roomBytes
    else {
      room = Buffer.allocUnsafeSlow(roomBytes)
      ours.add(room.buffer)
    }
    return room.subarray(0, bytes)
  }

  const give = (buffer: ArrayBufferLike) => {
    if (spareBytes + buffer.byteLength > mostSpareBytes) return
    spareBytes += buffer.byteLength
    const room = Buffer.from(buffer)
    const others = spare.get(room.length)
    if (others) others.push(room)
    else spare.set(room.length, [room])
  }

  return {
    fit(call, largestMessage) {
      const inside = call as ServerInterceptingCallInterface & { decoder?: Partial<Decoder> }
      if (typeof inside.decoder?.write !== 'function') {
        throw new Error('This version of @grpc/grpc-js reads its streams elsewhere.')
      }
      inside.decoder = createDecoder(largestMessage, take)
    },
    lend(message, bytes) {
      if (ours.has(bytes.buffer)) lent.set(message, bytes.buffer)
      return message
    },
    giveBack(message) {
      const buffer = lent.get(message)
      if (buffer === undefined) return
      lent.delete(message)
      give(buffer)
    },
  }
}

const headBytes = 5

export function createDecoder(largestMessage: number, take: (bytes: number) => Buffer): Decoder {
  const head = Buffer.alloc(headBytes)
  let headFilled = 0
  let message: Buffer | undefined
  let filled = 0
  /** Instead, for messages that are too large to be taken at their word. */
  let parts: Buffer[] | undefined
  let total = 0

  const begin = () => {
    const length = head.readUInt32BE(1)
    if (length > largestMessage) {
      throw new Error(`Received message larger than max (${length} vs ${largestMessage})`)
    }
    total = headBytes + length
    filled = headBytes
    if (total <= mostBytes) head.copy((message = take(total)))
    else parts = [Buffer.from(head)]
  }
  const end = (): Buffer => {
    const whole = message ?? Buffer.concat(parts ?? [], total)
    message = undefined
    parts = undefined
    headFilled = 0
    return whole
  }

  return {
    write(data) {
      const whole: Buffer[] = []
      for (let at = 0; at < data.length;) {
        if (headFilled < headBytes) {
          const copied = data.copy(head, headFilled, at)
          headFilled += copied
          at += copied
          if (headFilled < headBytes) break
          begin()
        }
        const part = data.subarray(at, at + total - filled)
        if (message) message.set(part, filled)
        else parts?.push(part)
        filled += part.length
        at += part.length
        if (filled === total) whole.push(end())
      }
      return whole
    },
  }
}

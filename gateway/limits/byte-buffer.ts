import type { MemoryReservation } from './request-memory.ts'

/**
 * Collects bytes in blocks and reserves memory for the blocks. Kept as separate chunks, pieces of one byte each would
 * take a hundred times the memory that is counted. An announced length alone reserves nothing.
 */
export interface ByteBuffer {
  readonly length: number
  /** Bytes of all blocks, at least `length`. */
  readonly chargedBytes: number
  /** @throws Fault `overloaded` when the memory limit is reached. */
  append(bytes: Uint8Array): void
  /**
   * Returns all bytes and empties the buffer. The unused rest of several blocks is released; the reservation of the
   * returned bytes remains until the request releases it.
   */
  finish(): Buffer
  /** Empties the buffer; the reservation remains as with `finish`. */
  clear(): void
}

const firstBlockBytes = 4096
const maxBlockBytes = 64 * 1024

export function createByteBuffer(held: Pick<MemoryReservation, 'acquire' | 'release'>): ByteBuffer {
  const blocks: Buffer[] = []
  let last = Buffer.alloc(0)
  /** Bytes used of the last block. */
  let filled = 0
  let length = 0
  let chargedBytes = 0
  const clear = () => {
    blocks.length = 0
    last = Buffer.alloc(0)
    filled = 0
    length = 0
    chargedBytes = 0
  }
  return {
    get length() {
      return length
    },
    get chargedBytes() {
      return chargedBytes
    },
    append(bytes) {
      for (let at = 0; at < bytes.length;) {
        if (filled === last.length) {
          const size = Math.min(maxBlockBytes, Math.max(firstBlockBytes, length))
          held.acquire(size)
          chargedBytes += size
          last = Buffer.allocUnsafeSlow(size)
          blocks.push(last)
          filled = 0
        }
        const part = bytes.subarray(at, at + last.length - filled)
        last.set(part, filled)
        filled += part.length
        length += part.length
        at += part.length
      }
    },
    finish() {
      const isOneBlock = blocks.length === 1
      const whole = isOneBlock ? last.subarray(0, length) : Buffer.concat(blocks, length)
      if (!isOneBlock) held.release(chargedBytes - length)
      clear()
      return whole
    },
    clear,
  }
}

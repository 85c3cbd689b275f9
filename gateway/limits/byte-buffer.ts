import type { MemoryReservation } from './request-memory.ts'

/**
 * Bytes put together in blocks. Kept as they come, pieces of one byte each would take a hundred times what they are counted
 * as; so it is the blocks that are charged. A promised length alone takes nothing.
 */
export interface ByteBuffer {
  readonly length: number
  /** Bytes of the blocks, which are what is charged. At least `length`. */
  readonly chargedBytes: number
  /** @throws Fault `overloaded` when there is no room for more. */
  append(bytes: Uint8Array): void
  /**
   * All of it, and the buffer is empty again. Bytes copied out of several blocks are charged exactly from then on: the
   * rest of the blocks is given back. The charge for the bytes themselves stays until the request gives it back.
   */
  finish(): Buffer
  /** Forgets all of it; also then. */
  clear(): void
}

const firstBlockBytes = 4096
const largestBlockBytes = 64 * 1024

export function createByteBuffer(held: Pick<MemoryReservation, 'take' | 'give'>): ByteBuffer {
  const blocks: Buffer[] = []
  let last = Buffer.alloc(0)
  /** How much of the last block is filled. */
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
          const size = Math.min(largestBlockBytes, Math.max(firstBlockBytes, length))
          held.take(size)
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
      if (!isOneBlock) held.give(chargedBytes - length)
      clear()
      return whole
    },
    clear,
  }
}

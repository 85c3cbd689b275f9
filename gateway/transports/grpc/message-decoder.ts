import { Fault } from '@pixelflow/core/fault'
import { createByteBuffer } from '../../limits/byte-buffer.ts'
import { messageOverheadBytes, type MemoryReservation } from '../../limits/request-memory.ts'

/** The memory account that arriving bytes are charged to. */
export type MemoryCharge = Pick<MemoryReservation, 'acquire' | 'release'>

/** Reads length-prefixed messages. The interface is the one that grpc-js expects of its own stream decoder. */
export interface MessageDecoder {
  /**
   * Returns the messages that are complete, each with its prefix.
   * @throws Fault `resource_limit_exceeded` for a message that is too large, `overloaded` when memory is full.
   */
  write(data: Buffer): Buffer[]
  /** Whether a message has begun and is incomplete. */
  readonly isInMessage: boolean
  /** Drops a partial message and ignores all further bytes. */
  close(): void
}

/** The prefix of a message: one byte for compression, four for the length. */
export const prefixBytes = 5

/**
 * The charge for a whole message, until it is released. While a message above `maxPooledBytes` arrives, the charge is for
 * the blocks of its buffer.
 */
export function messageCharge(messageBytes: number): number {
  return prefixBytes + messageBytes + messageOverheadBytes
}

/** Messages up to this size, prefix included, are assembled in one buffer of their full length. */
export const maxPooledBytes = 320 * 1024

/**
 * @param allocate provides the buffer of a message of up to `maxPooledBytes`. The buffer of a larger message grows with the
 * bytes that arrive, because the client may claim any length.
 */
export function createMessageDecoder(
  maxMessageBytes: number,
  charge: MemoryCharge,
  allocate: (bytes: number) => Buffer = Buffer.allocUnsafe,
): MessageDecoder {
  const prefix = Buffer.alloc(prefixBytes)
  let prefixFilled = 0
  let message: Buffer | undefined
  const large = createByteBuffer(charge)
  let filled = 0
  let total = 0
  let isClosed = false

  const begin = () => {
    const length = prefix.readUInt32BE(1)
    if (length > maxMessageBytes) throw messageTooLarge(length, maxMessageBytes)
    total = prefixBytes + length
    filled = prefixBytes
    if (total <= maxPooledBytes) {
      charge.acquire(messageCharge(length))
      prefix.copy((message = allocate(total)))
    } else {
      charge.acquire(messageOverheadBytes)
      large.append(prefix)
    }
  }
  const end = (): Buffer => {
    const whole = message ?? large.finish()
    message = undefined
    prefixFilled = 0
    return whole
  }

  return {
    get isInMessage() {
      return prefixFilled > 0
    },
    close() {
      message = undefined
      large.clear()
      isClosed = true
    },
    write(data) {
      const whole: Buffer[] = []
      if (isClosed) return whole
      for (let at = 0; at < data.length;) {
        if (prefixFilled < prefixBytes) {
          const copied = data.copy(prefix, prefixFilled, at)
          prefixFilled += copied
          at += copied
          if (prefixFilled < prefixBytes) break
          begin()
        }
        const part = data.subarray(at, at + total - filled)
        if (message) message.set(part, filled)
        else large.append(part)
        filled += part.length
        at += part.length
        if (filled === total) whole.push(end())
      }
      return whole
    },
  }
}

/** @param length undefined while it is unknown */
export function messageTooLarge(length: number | undefined, maxBytes: number): Fault {
  const size = length === undefined ? `more than ${maxBytes}` : String(length)
  return new Fault('resource_limit_exceeded', `A message must be at most ${maxBytes} bytes, got ${size}.`, {
    remedy: 'Send a smaller message. Send a file in several messages, as chunks.',
  })
}

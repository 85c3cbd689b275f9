import { Fault } from '@pixelflow/core/fault'
import { createByteBuffer } from '../../../limits/byte-buffer.ts'
import { messageOverheadBytes, type MemoryReservation } from '../../../limits/request-memory.ts'

/**
 * Puts messages together from what the connection brings, in memory that is used again and again. grpc-js gathers the
 * pieces and joins them in a new place each time; for messages of some hundred kilobytes the kernel's work for new
 * memory then costs an upload as much as its digest.
 */
export interface MessagePool {
  /** Reads the messages of one call, of which no two are used at a time. */
  decoder(largestMessage: number, held: MemoryCharge): MessageDecoder
  /** Notes that a message looks into these bytes, so that they can be given back with it. */
  lend<M extends object>(message: M, bytes: Buffer): M
  /** Nobody looks into the message any more. One that is never given back is left to the garbage collector. */
  giveBack(message: object): void
}

/** What bytes are charged to when they come. */
export type MemoryCharge = Pick<MemoryReservation, 'take' | 'give'>

/** What grpc-js asks of whatever reads its streams: messages with the five bytes before them. */
export interface MessageDecoder {
  /** @throws Fault `resource_limit_exceeded` when a message is too large, `overloaded` when there is no room for it. */
  write(data: Buffer): Buffer[]
  /** Whether a message has begun and is not whole. */
  readonly isInMessage: boolean
  /** Forgets what has come of a message; nothing is read any more. */
  close(): void
}

/**
 * What a whole message is charged with until it is given back. While a large one comes, the charge is for the blocks that
 * it is put together in.
 */
export function costOf(messageBytes: number): number {
  return headBytes + messageBytes + messageOverheadBytes
}

/** Smaller ones come whole and are copied in no time, larger ones are nothing that we recommend. */
const leastBytes = 16 * 1024
const mostBytes = 320 * 1024
const grainBytes = 64 * 1024
/** What is kept for the next messages, at most. */
const mostSpareBytes = 8 * 1024 * 1024

export function createMessagePool(): MessagePool {
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
    decoder: (largestMessage, held) => createMessageDecoder(largestMessage, held, take),
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

/** Before each message: whether it is compressed, and its length. */
export const headBytes = 5

/**
 * @param take Where a message of a usual size is put together. Of a larger one the length is not taken at its word: its place
 * grows with what comes.
 */
export function createMessageDecoder(
  largestMessage: number,
  held: MemoryCharge,
  take: (bytes: number) => Buffer = Buffer.allocUnsafe,
): MessageDecoder {
  const head = Buffer.alloc(headBytes)
  let headFilled = 0
  let message: Buffer | undefined
  const large = createByteBuffer(held)
  let filled = 0
  let total = 0
  let isClosed = false

  const begin = () => {
    const length = head.readUInt32BE(1)
    if (length > largestMessage) throw messageTooLarge(length, largestMessage)
    total = headBytes + length
    filled = headBytes
    if (total <= mostBytes) {
      held.take(costOf(length))
      head.copy((message = take(total)))
    } else {
      held.take(messageOverheadBytes)
      large.append(head)
    }
  }
  const end = (): Buffer => {
    const whole = message ?? large.finish()
    message = undefined
    headFilled = 0
    return whole
  }

  return {
    get isInMessage() {
      return headFilled > 0
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
        if (headFilled < headBytes) {
          const copied = data.copy(head, headFilled, at)
          headFilled += copied
          at += copied
          if (headFilled < headBytes) break
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

/** @param length undefined while it is not known */
export function messageTooLarge(length: number | undefined, largest: number): Fault {
  const size = length === undefined ? `more than ${largest}` : String(length)
  return new Fault(
    'resource_limit_exceeded',
    `The message has ${size} bytes; at most ${largest} are taken.`,
    {
      remedy: 'Send less in one message. A file goes in several, as chunks.',
    },
  )
}

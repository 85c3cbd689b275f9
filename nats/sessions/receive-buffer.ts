import { totalLength, concatBytes } from '@pixelflow/core/concat-bytes'
import type { Frame } from '@pixelflow/core/ports/sessions'
import { parseFrame, messageTypes, type SessionMessage } from './messages.ts'

/** What one end of a session receives: puts frames together, in order, and gives the sender room as they are read. */
export interface ReceiveBuffer {
  /** Messages of the order received so far. */
  readonly received: number
  /** Whether the other end has said that nothing more comes. */
  readonly isFinished: boolean
  /** @throws Error when a message is missing, or is none that may come now. */
  take(message: SessionMessage, bytes: number): void
  /** The next frame that is whole; undefined when there is none. */
  shift(): Frame | undefined
  /** Throws away what is there and what still comes. */
  discard(): void
}

/** The most that a frame may carry: it is put together in memory. */
const maxBodyBytes = 64 * 2 ** 20

interface Part {
  readonly head: unknown
  readonly parts: Uint8Array[]
  /** Bytes of the body that are still to come. */
  left: number
  /** Bytes of the messages it came in that the sender has not been given back. */
  owed: number
}

/** @param give lets the other end send so many bytes more; it may have `window` of them unread. */
export function createReceiveBuffer(window: number, give: (bytes: number) => void): ReceiveBuffer {
  const whole: Part[] = []
  let part: Part | undefined
  let received = 0
  let isFinished = false
  let isDiscarding = false
  let owed = 0

  const repay = (bytes: number) => {
    owed += bytes
    // Seldom enough not to matter, and soon enough for a piece of half a mebibyte to find room in the smallest window.
    if (owed < window / 4) return
    give(owed)
    owed = 0
  }
  const settle = (one: Part | undefined) => {
    if (one === undefined || one.owed === 0) return
    repay(one.owed)
    one.owed = 0
  }
  const begin = (message: SessionMessage): Part => {
    const { head, bodyBytes, piece } = parseFrame(message)
    if (bodyBytes > maxBodyBytes) throw new Error(`a frame of ${bodyBytes} bytes`)
    return fill({ head, parts: [], left: bodyBytes, owed: 0 }, piece)
  }
  const fill = (one: Part, piece: readonly Uint8Array[]): Part => {
    one.parts.push(...piece)
    one.left -= totalLength(piece)
    if (one.left < 0) throw new Error('more than the frame should carry')
    return one
  }

  return {
    get received() {
      return received
    },
    get isFinished() {
      return isFinished
    },
    take(message, bytes) {
      received += 1
      if (message.number !== received) throw new Error(`message ${message.number} instead of ${received}`)
      if (isFinished || (message.word === messageTypes.more) !== (part !== undefined)) {
        throw new Error('a message where none of its kind may come')
      }
      if (message.word === messageTypes.finish) {
        isFinished = true
        return
      }
      part = part === undefined ? begin(message) : fill(part, message.rest)
      part.owed += bytes
      // Whoever waits for this very frame cannot read before it is whole.
      if (whole.length === 0 || isDiscarding) settle(part)
      if (part.left > 0) return
      if (!isDiscarding) whole.push(part)
      part = undefined
    },
    shift() {
      const first = whole.shift()
      settle(first)
      if (whole.length === 0) settle(part)
      return first && frameOf(first)
    },
    discard() {
      isDiscarding = true
      for (const one of [...whole.splice(0), part]) settle(one)
    },
  }
}

function frameOf({ head, parts }: Part): Frame {
  return {
    head,
    parts,
    get body() {
      return concatBytes(parts)
    },
  }
}

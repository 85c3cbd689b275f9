import { totalLength, concatBytes } from '@pixelflow/core/concat-bytes'
import type { Frame } from '@pixelflow/core/ports/sessions'
import { decodeFrame, messageTypes, type SessionMessage } from './messages.ts'

/** Assembles the frames that one side of a session receives, in order, and updates the sender's window as they are read. */
export interface ReceiveBuffer {
  /** Number of sequenced messages received. */
  readonly received: number
  /** Whether the other side has finished. */
  readonly isFinished: boolean
  /** @throws Error for a missing or unexpected message. */
  receive(message: SessionMessage, bytes: number): void
  /** The next complete frame; undefined when there is none. */
  shift(): Frame | undefined
  /** Drops buffered and future frames. */
  discard(): void
}

/** The largest body of a frame, in bytes: it is assembled in memory. */
const maxBodyBytes = 64 * 2 ** 20

interface PartialFrame {
  readonly head: unknown
  readonly chunks: Uint8Array[]
  /** Bytes of the body that are still to come. */
  left: number
  /** Received bytes that the sender's window has not regained. */
  unreleased: number
}

/**
 * @param updateWindow allows the other side that many more bytes; `window` is the limit of unread bytes.
 * @param isFinished whether the other side sends nothing
 */
export function createReceiveBuffer(
  window: number,
  updateWindow: (bytes: number) => void,
  isFinished = false,
): ReceiveBuffer {
  const whole: PartialFrame[] = []
  let partial: PartialFrame | undefined
  let received = 0
  let isDiscarding = false
  let unreleased = 0

  const releaseBytes = (bytes: number) => {
    unreleased += bytes
    // Rarely enough to cost little, and early enough for a message of half a mebibyte in the smallest window.
    if (unreleased < window / 4) return
    updateWindow(unreleased)
    unreleased = 0
  }
  const releaseFrame = (one: PartialFrame | undefined) => {
    if (one === undefined || one.unreleased === 0) return
    releaseBytes(one.unreleased)
    one.unreleased = 0
  }
  const begin = (message: SessionMessage): PartialFrame => {
    const { head, bodyBytes, piece } = decodeFrame(message)
    if (bodyBytes > maxBodyBytes) {
      throw new Error(`the body of a frame must have at most ${maxBodyBytes} bytes, got ${bodyBytes}`)
    }
    return fill({ head, chunks: [], left: bodyBytes, unreleased: 0 }, piece)
  }
  const fill = (one: PartialFrame, piece: readonly Uint8Array[]): PartialFrame => {
    one.chunks.push(...piece)
    one.left -= totalLength(piece)
    if (one.left < 0) throw new Error('a frame has more bytes than it announced')
    return one
  }

  return {
    get received() {
      return received
    },
    get isFinished() {
      return isFinished
    },
    receive(message, bytes) {
      received += 1
      if (message.number !== received) {
        throw new Error(`expected message ${received}, got ${message.number}`)
      }
      if (isFinished || (message.type === messageTypes.continuation) !== (partial !== undefined)) {
        throw new Error('unexpected message type')
      }
      if (message.type === messageTypes.finish) {
        isFinished = true
        return
      }
      partial = partial === undefined ? begin(message) : fill(partial, message.rest)
      partial.unreleased += bytes
      // The reader waits for this frame and cannot read before it is complete.
      if (whole.length === 0 || isDiscarding) releaseFrame(partial)
      if (partial.left > 0) return
      if (!isDiscarding) whole.push(partial)
      partial = undefined
    },
    shift() {
      const first = whole.shift()
      releaseFrame(first)
      if (whole.length === 0) releaseFrame(partial)
      return first && frameOf(first)
    },
    discard() {
      isDiscarding = true
      for (const one of [...whole.splice(0), partial]) releaseFrame(one)
    },
  }
}

function frameOf({ head, chunks }: PartialFrame): Frame {
  return {
    head,
    chunks,
    get body() {
      return concatBytes(chunks)
    },
  }
}

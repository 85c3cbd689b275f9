import { shareMemory, type SharedMemory } from '@pixelflow/core/free-bytes'
import { RawMessage } from './raw-message.ts'

/**
 * Intercepts messages in the byte stream of a NATS server.
 *
 * Written by hand because @nats-io/nats-core has no way to receive a payload without copying it: its parser appends every
 * payload byte to a buffer of its own, which limits downloads and costs most of the time for a small message. No upstream
 * issue is known. Remove this folder when the client library delivers payloads as views of the received buffers:
 * splitter.test.ts, "intercepted and forwarded bytes are not copied", states what the replacement must do.
 *
 * Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
 */

export type OnRawMessage = (message: RawMessage) => void

/** Takes the messages of some subscriptions out of the stream; all other bytes go to the client library's parser. */
export interface Splitter {
  /** Takes the next received bytes; returns those that are not intercepted, in order. */
  push(frame: Uint8Array): readonly Uint8Array[]
}

/** An intercepted message that is not complete yet. */
interface PartialMessage {
  readonly onMessage: OnRawMessage
  readonly subject: string
  readonly reply: string
  readonly headerBlock: Buffer
  readonly chunks: Buffer[]
  headerBytesLeft: number
  payloadBytesLeft: number
  /** The CRLF after the payload. */
  lineEndBytesLeft: number
}

/** Longest incomplete line that is buffered, in bytes; servers allow 4 KiB. */
const maxLineBytes = 64 * 1024
/** Frames of at least this size are freed early; smaller ones are not worth it. */
const minFreedBytes = 64 * 1024
/** Smaller parts of such a frame are copied, so that they do not keep it. */
const minSharedBytes = 4 * 1024
const lineFeed = 10
const noHeaders = Buffer.alloc(0)
const nothing: readonly Uint8Array[] = []

/** @param handlers what is intercepted, by the id of the subscription; may change at any time. */
export function createSplitter(handlers: ReadonlyMap<number, OnRawMessage>): Splitter {
  /** Beginning of a message line that was cut by the end of a frame. */
  let incompleteLine: Buffer | undefined
  let current: PartialMessage | undefined
  /** Bytes of a message that are forwarded. */
  let forwardBytesLeft = 0
  /** Inside a line that does not begin a message. */
  let isInOtherLine = false
  /** Of the current frame, if it is large. */
  let memory: SharedMemory | undefined

  /** A part of a payload. The memory of a large frame is freed when the consumers have freed all of its views. */
  const viewOf = (frame: Buffer, from: number, to: number): Buffer => {
    const view = frame.subarray(from, to)
    if (memory === undefined) return view
    if (view.length < minSharedBytes) return Buffer.from(view)
    memory.share(view)
    return view
  }
  const headersOf = (frame: Buffer, from: number, to: number): Buffer => {
    const view = frame.subarray(from, to)
    return memory === undefined ? view : Buffer.from(view)
  }

  /** Adds bytes to the current message; returns where the rest of the frame begins. */
  const fill = (message: PartialMessage, frame: Buffer, from: number): number => {
    const headers = Math.min(message.headerBytesLeft, frame.length - from)
    if (headers > 0)
      frame.copy(
        message.headerBlock,
        message.headerBlock.length - message.headerBytesLeft,
        from,
        from + headers,
      )
    message.headerBytesLeft -= headers
    const start = from + headers
    const payload = Math.min(message.payloadBytesLeft, frame.length - start)
    if (payload > 0) message.chunks.push(viewOf(frame, start, start + payload))
    message.payloadBytesLeft -= payload
    const lineEnd = Math.min(message.lineEndBytesLeft, frame.length - start - payload)
    message.lineEndBytesLeft -= lineEnd
    if (message.lineEndBytesLeft === 0) {
      current = undefined
      const { subject, reply, headerBlock, chunks } = message
      message.onMessage(new RawMessage(subject, reply, headerBlock, chunks))
    }
    return start + payload + lineEnd
  }

  /**
   * Parses the line that begins a message, and takes the message if it is intercepted. Returns where the rest of the frame
   * begins; -1 when the message is not intercepted.
   */
  const begin = (line: string, frame: Buffer, from: number): number => {
    const tokens = line.trimEnd().split(' ')
    const total = Number(tokens.at(-1))
    const onMessage = handlers.get(Number(tokens[2]))
    if (onMessage === undefined) {
      forwardBytesLeft = total + 2
      return -1
    }
    const hasHeaders = tokens[0] === 'HMSG'
    const headerBytes = hasHeaders ? Number(tokens.at(-2)) : 0
    const subject = tokens[1] as string
    // The reply subject is optional, before the lengths.
    const reply = tokens.length === (hasHeaders ? 6 : 5) ? (tokens[3] as string) : ''
    const end = from + total
    if (end + 2 <= frame.length) {
      const payloadStart = from + headerBytes
      const headerBlock = headerBytes === 0 ? noHeaders : headersOf(frame, from, payloadStart)
      const chunks = payloadStart === end ? [] : [viewOf(frame, payloadStart, end)]
      onMessage(new RawMessage(subject, reply, headerBlock, chunks))
      return end + 2
    }
    current = {
      onMessage,
      subject,
      reply,
      headerBlock: Buffer.allocUnsafe(headerBytes),
      chunks: [],
      headerBytesLeft: headerBytes,
      payloadBytesLeft: total - headerBytes,
      lineEndBytesLeft: 2,
    }
    return fill(current, frame, from)
  }

  return {
    push(received) {
      const frame = Buffer.isBuffer(received)
        ? received
        : Buffer.from(received.buffer, received.byteOffset, received.byteLength)
      memory = frame.length < minFreedBytes ? undefined : shareMemory(frame)
      let forwarded: Uint8Array[] | undefined
      let at = 0
      /** Start of the bytes that are forwarded next. */
      let from = 0
      const forward = (bytes: Uint8Array) => {
        memory?.pin()
        forwarded ??= []
        forwarded.push(bytes)
      }
      const forwardUntil = (end: number) => {
        if (end > from) forward(from === 0 && end === frame.length ? received : frame.subarray(from, end))
      }

      while (at < frame.length) {
        if (current !== undefined) {
          at = from = fill(current, frame, at)
          continue
        }
        if (forwardBytesLeft > 0) {
          const some = Math.min(forwardBytesLeft, frame.length - at)
          forwardBytesLeft -= some
          at += some
          continue
        }
        const lineEnd = frame.indexOf(lineFeed, at)
        if (isInOtherLine || (incompleteLine === undefined && !beginsMessage(frame[at]))) {
          isInOtherLine = lineEnd === -1
          at = isInOtherLine ? frame.length : lineEnd + 1
          continue
        }
        const pieceEnd = lineEnd === -1 ? frame.length : lineEnd + 1
        const rest = incompleteLine
        if (lineEnd === -1 && (rest?.length ?? 0) + pieceEnd - at <= maxLineBytes) {
          forwardUntil(at)
          const piece = frame.subarray(at)
          incompleteLine = Buffer.concat(rest === undefined ? [piece] : [rest, piece])
          memory?.close()
          return forwarded ?? nothing
        }
        incompleteLine = undefined
        isInOtherLine = lineEnd === -1
        const line = (rest?.toString('latin1') ?? '') + frame.toString('latin1', at, pieceEnd)
        const lineStart = at
        at = pieceEnd
        const next = isInOtherLine ? -1 : begin(line, frame, pieceEnd)
        if (next === -1) {
          if (rest !== undefined) forward(rest)
          continue
        }
        forwardUntil(lineStart)
        at = from = next
      }
      forwardUntil(at)
      memory?.close()
      return forwarded ?? nothing
    },
  }
}

/** Whether a line that starts with this byte is MSG or HMSG: no other command of the server starts with M or H. */
function beginsMessage(byte: number | undefined): boolean {
  return byte === 0x4d || byte === 0x48
}

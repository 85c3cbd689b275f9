/**
 * Intercepts messages in the byte stream of a NATS server.
 *
 * Written by hand because @nats-io/nats-core has no way to receive a payload without copying it: its parser appends every
 * payload byte to a buffer of its own, which limits downloads. No upstream issue is known. Remove this folder when the
 * client library delivers payloads as views of the received buffers: splitter.test.ts, "intercepted and forwarded bytes
 * are not copied", states what the replacement must do.
 *
 * Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
 */

/** An intercepted message. */
export interface RawMessage {
  readonly subject: string
  /** The header block as received; empty when the message has no headers. */
  readonly headerBlock: Buffer
  /** The payload in the chunks in which it was received; they are views of the received buffers. */
  readonly chunks: readonly Buffer[]
}

/** Takes the messages of some subscriptions out of the stream; all other bytes go to the client library's parser. */
export interface Splitter {
  /** From now on, messages of this subscription go to `onMessage`. */
  intercept(sid: number, onMessage: (message: RawMessage) => void): void
  /** Takes the next received bytes; returns those that are not intercepted, in order. */
  push(frame: Uint8Array): Uint8Array[]
}

/** An intercepted message that is not complete yet. */
interface PartialMessage {
  readonly onMessage: (message: RawMessage) => void
  readonly subject: string
  readonly headerBlock: Buffer
  readonly chunks: Buffer[]
  headerBytesLeft: number
  payloadBytesLeft: number
  /** The CRLF after the payload. */
  lineEndBytesLeft: number
}

/** Longest incomplete line that is buffered, in bytes; servers allow 4 KiB. */
const maxLineBytes = 64 * 1024
const lineFeed = 10

export function createSplitter(): Splitter {
  const handlers = new Map<number, (message: RawMessage) => void>()
  /** Beginning of a message line that was cut by the end of a frame. */
  let incompleteLine: Buffer | undefined
  let current: PartialMessage | undefined
  /** Bytes of a message that are forwarded. */
  let forwardBytesLeft = 0
  /** Inside a line that does not begin a message. */
  let isInOtherLine = false

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
    if (payload > 0) message.chunks.push(frame.subarray(start, start + payload))
    message.payloadBytesLeft -= payload
    const lineEnd = Math.min(message.lineEndBytesLeft, frame.length - start - payload)
    message.lineEndBytesLeft -= lineEnd
    if (message.lineEndBytesLeft === 0) {
      current = undefined
      message.onMessage(message)
    }
    return start + payload + lineEnd
  }

  /** Parses the line that begins a message. True when the message is intercepted, the line included. */
  const begin = (line: string): boolean => {
    const tokens = line.trimEnd().split(/[ \t]+/)
    const total = Number(tokens.at(-1))
    const onMessage = handlers.get(Number(tokens[2]))
    if (onMessage === undefined) {
      forwardBytesLeft = total + 2
      return false
    }
    const headerBytes = tokens[0] === 'HMSG' ? Number(tokens.at(-2)) : 0
    current = {
      onMessage,
      subject: tokens[1] as string,
      headerBlock: Buffer.allocUnsafe(headerBytes),
      chunks: [],
      headerBytesLeft: headerBytes,
      payloadBytesLeft: total - headerBytes,
      lineEndBytesLeft: 2,
    }
    return true
  }

  return {
    intercept(sid, onMessage) {
      handlers.set(sid, onMessage)
    },
    push(received) {
      const frame = Buffer.from(received.buffer, received.byteOffset, received.byteLength)
      const forwarded: Uint8Array[] = []
      let at = 0
      /** Start of the bytes that are forwarded next. */
      let from = 0
      const forward = (end: number) => {
        if (end > from)
          forwarded.push(from === 0 && end === frame.length ? received : frame.subarray(from, end))
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
        const piece = frame.subarray(at, lineEnd === -1 ? frame.length : lineEnd + 1)
        const line: Buffer = incompleteLine === undefined ? piece : Buffer.concat([incompleteLine, piece])
        if (lineEnd === -1 && line.length <= maxLineBytes) {
          forward(at)
          incompleteLine = Buffer.from(line)
          return forwarded
        }
        const isIntercepted = lineEnd !== -1 && begin(line.toString('latin1'))
        isInOtherLine = lineEnd === -1
        if (isIntercepted) forward(at)
        else if (incompleteLine !== undefined) forwarded.push(incompleteLine)
        at += piece.length
        if (isIntercepted) from = at
        incompleteLine = undefined
      }
      forward(at)
      return forwarded
    },
  }
}

/** Whether a line that starts with this byte is MSG or HMSG: no other command of the server starts with M or H. */
function beginsMessage(byte: number | undefined): boolean {
  return byte === 0x4d || byte === 0x48
}

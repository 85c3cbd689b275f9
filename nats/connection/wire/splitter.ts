/** A message taken out of the stream. */
export interface RawMessage {
  readonly subject: string
  /** Its header block as it came; empty when it has none. */
  readonly head: Buffer
  /** Its content, in the pieces it arrived in; they are views of what was received. */
  readonly parts: readonly Buffer[]
}

/**
 * Reads along in what a NATS server sends, and takes out the messages of some subscriptions without copying their
 * content. All else goes on, byte by byte, to the client library's own parser.
 *
 * Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export interface Splitter {
  /** Messages of this subscription go to `hear` from now on. */
  divert(sid: number, hear: (message: RawMessage) => void): void
  /** Takes what was received next; returns what is not caught of it, in order. */
  push(frame: Uint8Array): Uint8Array[]
}

/** A message that is being received. */
interface Arrival {
  readonly hear: (message: RawMessage) => void
  readonly subject: string
  readonly head: Buffer
  readonly parts: Buffer[]
  headLeft: number
  contentLeft: number
  /** The end of line after the content. */
  endLeft: number
}

/** Longest line that is held back until its end is there, in bytes; servers allow 4 KiB. */
const longestLineBytes = 64 * 1024
const lineFeed = 10

export function createSplitter(): Splitter {
  const wanted = new Map<number, (message: RawMessage) => void>()
  /** Beginning of a message's line that was cut by the end of a frame. */
  let held: Buffer | undefined
  let arrival: Arrival | undefined
  /** Bytes of a message that go on as they are. */
  let passing = 0
  /** Inside a line that is no message's. */
  let isForeign = false

  /** Takes what belongs to the arriving message; returns where the rest begins. */
  const fill = (into: Arrival, frame: Buffer, from: number): number => {
    const head = Math.min(into.headLeft, frame.length - from)
    if (head > 0) frame.copy(into.head, into.head.length - into.headLeft, from, from + head)
    into.headLeft -= head
    const start = from + head
    const content = Math.min(into.contentLeft, frame.length - start)
    if (content > 0) into.parts.push(frame.subarray(start, start + content))
    into.contentLeft -= content
    const end = Math.min(into.endLeft, frame.length - start - content)
    into.endLeft -= end
    if (into.endLeft === 0) {
      arrival = undefined
      into.hear(into)
    }
    return start + content + end
  }

  /** Looks at a whole line that begins a message. True when the message is caught, its line with it. */
  const begin = (line: string): boolean => {
    const words = line.trimEnd().split(/[ \t]+/)
    const total = Number(words.at(-1))
    const hear = wanted.get(Number(words[2]))
    if (hear === undefined) {
      passing = total + 2
      return false
    }
    const headBytes = words[0] === 'HMSG' ? Number(words.at(-2)) : 0
    arrival = {
      hear,
      subject: words[1] as string,
      head: Buffer.allocUnsafe(headBytes),
      parts: [],
      headLeft: headBytes,
      contentLeft: total - headBytes,
      endLeft: 2,
    }
    return true
  }

  return {
    divert(sid, hear) {
      wanted.set(sid, hear)
    },
    push(received) {
      const frame = Buffer.from(received.buffer, received.byteOffset, received.byteLength)
      const passed: Uint8Array[] = []
      let at = 0
      /** Where that begins which goes on. */
      let from = 0
      const pass = (end: number) => {
        if (end > from) passed.push(from === 0 && end === frame.length ? received : frame.subarray(from, end))
      }

      while (at < frame.length) {
        if (arrival !== undefined) {
          at = from = fill(arrival, frame, at)
          continue
        }
        if (passing > 0) {
          const some = Math.min(passing, frame.length - at)
          passing -= some
          at += some
          continue
        }
        const lineEnd = frame.indexOf(lineFeed, at)
        if (isForeign || (held === undefined && !beginsMessage(frame[at]))) {
          isForeign = lineEnd === -1
          at = isForeign ? frame.length : lineEnd + 1
          continue
        }
        const part = frame.subarray(at, lineEnd === -1 ? frame.length : lineEnd + 1)
        const line: Buffer = held === undefined ? part : Buffer.concat([held, part])
        if (lineEnd === -1 && line.length <= longestLineBytes) {
          pass(at)
          held = Buffer.from(line)
          return passed
        }
        const isCaught = lineEnd !== -1 && begin(line.toString('latin1'))
        isForeign = lineEnd === -1
        if (isCaught) pass(at)
        else if (held !== undefined) passed.push(held)
        at += part.length
        if (isCaught) from = at
        held = undefined
      }
      pass(at)
      return passed
    },
  }
}

/** Whether a line beginning with this byte is MSG or HMSG: no other word of the server begins so. */
function beginsMessage(byte: number | undefined): boolean {
  return byte === 0x4d || byte === 0x48
}

import type { FrameLimit } from './frame-limits.ts'
import { createHeaderFieldFilter, type HeaderFieldFilter } from './header-field-filter.ts'

const prefaceBytes = 24
const headerBytes = 9
/** Default SETTINGS_MAX_FRAME_SIZE; this server does not change it. */
const maxFrameBytes = 16_384
const type = { headers: 1, continuation: 9 } as const
const flag = { endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** Largest header block that Bun reads. Metadata above `check-metadata-size.ts` fails its call and not the connection. */
export const maxHeaderBlockBytes = 256 * 1024
/** Largest header block on the wire, including the strings that the filter removes. */
const maxWireBlockBytes = 16 * 1024 * 1024

type Pass = (bytes: Uint8Array) => void

/** An incomplete header block. None of it has been passed on. */
interface Block {
  readonly stream: number
  /** Flags of the first frame as it is passed on. */
  readonly flags: number
  readonly filter: HeaderFieldFilter
  bytes: number
}

/**
 * Removes strings of more than 64 KiB from header blocks, so that only the call with such metadata fails. Blocks of one
 * frame cannot contain such a string, so only longer blocks are held until they are complete.
 *
 * Workaround for Bun 1.4.5, together with `header-field-filter.ts`: its HPACK decoder takes no string above 65,535 bytes and
 * answers with GOAWAY (COMPRESSION_ERROR), which ends all calls of the connection. (Node 20 does the same.) No upstream
 * issue is known for `node:http2`; for HTTP/3 it is https://github.com/oven-sh/bun/pull/35741. Remove both files when
 * `large-metadata.test.ts` passes without them.
 */
export function createHeaderBlockFilter(limit?: FrameLimit): { read(bytes: Uint8Array, pass: Pass): void } {
  /** Bytes that pass unread: the preface, or the rest of a frame outside of long blocks. */
  let through = prefaceBytes
  let held: Uint8Array = new Uint8Array()
  let block: Block | undefined
  let isEnded = false

  /** Adds a frame to the current block, and passes the block on when it is complete. */
  const addFrame = (frame: Uint8Array, pass: Pass): void => {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const flags = view.getUint8(4)
    const stream = view.getUint32(5)
    const body = frame.subarray(headerBytes)
    const isFirst = block === undefined
    block ??= {
      stream,
      flags: flags & ~(flag.endHeaders | flag.padded | flag.priority),
      filter: createHeaderFieldFilter(),
      bytes: 0,
    }
    block.bytes += body.length
    block.filter.write(isFirst ? fragmentOf(body, flags) : body)
    const isWhole = (flags & flag.endHeaders) !== 0
    // The number of frames is bounded by `frame-budget.ts`.
    const isTooLarge = block.bytes > maxWireBlockBytes || block.filter.bytes > maxHeaderBlockBytes
    if (!isWhole && !isTooLarge) return
    // Without a limit, Bun gets the block without END_HEADERS and ends the connection itself.
    if (isTooLarge && limit) {
      isEnded = true
      limit.end('too much metadata')
    } else for (const one of framesOf(block, isWhole)) pass(one)
    block = undefined
  }

  /** Whether a frame is part of a block of several frames. */
  const isHeld = (kind: number, flags: number, stream: number, length: number): boolean => {
    if (length > maxFrameBytes) return false
    if (block) return kind === type.continuation && stream === block.stream
    return kind === type.headers && (flags & flag.endHeaders) === 0
  }

  return {
    read(given, pass) {
      if (isEnded) return
      const bytes = held.length > 0 ? Buffer.concat([held, given]) : given
      held = new Uint8Array()
      let passed = 0
      let at = 0
      const passTo = (end: number) => {
        if (end > passed) pass(passed === 0 && end === bytes.length ? bytes : bytes.subarray(passed, end))
        passed = end
      }
      while (at < bytes.length) {
        const step = Math.min(through, bytes.length - at)
        through -= step
        at += step
        if (at === bytes.length) break
        if (bytes.length - at < headerBytes) return hold(at)
        const view = new DataView(bytes.buffer, bytes.byteOffset + at, headerBytes)
        const length = view.getUint32(0) >>> 8
        const stream = view.getUint32(5)
        if (!isHeld(view.getUint8(3), view.getUint8(4), stream, length)) {
          // HTTP/2 allows no other frame within a header block. Bun reports the error when it gets the start of the block.
          if (block) for (const one of framesOf(block, false)) pass(one)
          block = undefined
          through = headerBytes + length
          continue
        }
        const end = at + headerBytes + length
        if (end > bytes.length) return hold(at)
        passTo(at)
        // Frames of a held block are counted here; the window update filter counts all others.
        const head = { flags: 0, length, stream, isOpen: true, isOpening: false }
        if (block && limit?.allows({ ...head, type: type.continuation }) === false) {
          isEnded = true
          block = undefined
          return
        }
        addFrame(bytes.subarray(at, end), pass)
        if (isEnded) return
        passed = at = end
      }
      passTo(at)

      function hold(from: number): void {
        passTo(from)
        held = Uint8Array.from(bytes.subarray(from))
      }
    },
  }
}

/** The part of a HEADERS frame that belongs to the block. Invalid padding leaves nothing. */
function fragmentOf(body: Uint8Array, flags: number): Uint8Array {
  const isPadded = (flags & flag.padded) !== 0
  const padding = isPadded ? (body[0] ?? 0) : 0
  const begin = (isPadded ? 1 : 0) + ((flags & flag.priority) === 0 ? 0 : 5)
  return body.subarray(begin, Math.max(begin, body.length - padding))
}

function framesOf({ stream, flags, filter }: Block, isWhole: boolean): Uint8Array[] {
  const block = filter.end()
  const count = Math.max(1, Math.ceil(block.length / maxFrameBytes))
  return Array.from({ length: count }, (_, i) => {
    const part = block.subarray(i * maxFrameBytes, (i + 1) * maxFrameBytes)
    const frame = new Uint8Array(headerBytes + part.length)
    const view = new DataView(frame.buffer)
    view.setUint32(0, part.length << 8)
    view.setUint8(3, i === 0 ? type.headers : type.continuation)
    view.setUint8(4, (i === 0 ? flags : 0) | (isWhole && i === count - 1 ? flag.endHeaders : 0))
    view.setUint32(5, stream)
    frame.set(part, headerBytes)
    return frame
  })
}

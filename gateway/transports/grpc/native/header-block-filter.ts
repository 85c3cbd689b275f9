import type { FrameLimit } from './window-update-workaround.ts'
import { createHeaderFieldFilter, type HeaderFieldFilter } from './header-field-filter.ts'

const prefaceBytes = 24
const headerBytes = 9
/** MessagePool may be no longer, unless a server says otherwise, and this one does not. */
const longestFrame = 16_384
const type = { headers: 1, continuation: 9 } as const
const flag = { endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** Bytes of header blocks that Bun reads; those of more metadata than we take are refused by ourselves, call by call. */
export const largestBlock = 256 * 1024
/** What a block may have on the wire, with what is left out of it. */
const largestOnWire = 16 * 1024 * 1024

type Pass = (bytes: Uint8Array) => void

/** A header block under way, of which nothing has been passed on. */
interface Block {
  readonly stream: number
  /** Of its first frame, as they are passed on. */
  readonly flags: number
  readonly filter: HeaderFieldFilter
  bytes: number
}

/**
 * Reads the frames of one connection and leaves strings out of header blocks that Bun would end the connection for.
 * Blocks of one frame cannot hold any, so only longer ones are held until they are whole.
 *
 * Workaround for Bun 1.4.5, with `header-field-filter.ts`; no upstream issue is known for `node:http2` (for HTTP/3 it is
 * https://github.com/oven-sh/bun/pull/35741). Remove both files when `large-metadata.test.ts` passes without them.
 */
export function createHeaderBlockFilter(limit?: FrameLimit): { read(bytes: Uint8Array, pass: Pass): void } {
  let through = prefaceBytes
  let held: Uint8Array = new Uint8Array()
  let block: Block | undefined
  let isOver = false

  /** Takes a frame that belongs to a long block; false when it is not to be taken but passed on. */
  const take = (frame: Uint8Array, pass: Pass): void => {
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
    const isTooLarge = block.bytes > largestOnWire || block.filter.bytes > largestBlock
    if (!isWhole && !isTooLarge) return
    // One that is too large is not ended, and cut: Bun ends the connection over it, unless we do.
    if (isTooLarge && limit) {
      isOver = true
      limit.end('too much metadata')
    } else for (const one of framesOf(block, isWhole)) pass(one)
    block = undefined
  }

  /** Whether a frame is part of a block of several. */
  const isHeld = (kind: number, flags: number, stream: number, length: number): boolean => {
    if (length > longestFrame) return false
    if (block) return kind === type.continuation && stream === block.stream
    return kind === type.headers && (flags & flag.endHeaders) === 0
  }

  return {
    read(given, pass) {
      if (isOver) return
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
          // Not allowed within a block; Bun says so when it has the beginning of that.
          if (block) for (const one of framesOf(block, false)) pass(one)
          block = undefined
          through = headerBytes + length
          continue
        }
        const end = at + headerBytes + length
        if (end > bytes.length) return hold(at)
        passTo(at)
        // What is put together here is counted here; the rest when it is read for its windows.
        const head = { flags: 0, length, stream, isOpen: true, isOpening: false }
        if (block && limit?.allows({ ...head, type: type.continuation }) === false) {
          isOver = true
          block = undefined
          return
        }
        take(bytes.subarray(at, end), pass)
        if (isOver) return
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

/** The part of a HEADERS frame that belongs to the block. What is wrong with the padding leaves nothing. */
function fragmentOf(body: Uint8Array, flags: number): Uint8Array {
  const isPadded = (flags & flag.padded) !== 0
  const padding = isPadded ? (body[0] ?? 0) : 0
  const begin = (isPadded ? 1 : 0) + ((flags & flag.priority) === 0 ? 0 : 5)
  return body.subarray(begin, Math.max(begin, body.length - padding))
}

function framesOf({ stream, flags, filter }: Block, isWhole: boolean): Uint8Array[] {
  const block = filter.end()
  const count = Math.max(1, Math.ceil(block.length / longestFrame))
  return Array.from({ length: count }, (_, i) => {
    const part = block.subarray(i * longestFrame, (i + 1) * longestFrame)
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

import { allowFree, freeBytes } from '@pixelflow/core/free-bytes'
import { make as searchFor } from 'multipasta/Search'
import { parsePartHeader, PartHeaderError, type PartHeader } from './part-header.ts'

/**
 * A push parser for multipart bodies. It buffers one part header and no content.
 *
 * Hand-written because no library streams all valid forms. The search for the boundary is multipasta's; the rest of
 * multipasta 0.2.8, the newest version, refuses header values beyond U+00FF and many that are not strictly RFC 9110,
 * accepts parts without a name, and its result depends on how the body is split in some cases (`--` in two reads, an empty
 * part). https://github.com/tim-smart/multipasta/issues has no issue for these. busboy, its forks and
 * @remix-run/multipart-parser accept such headers, but crash on truncated bodies or buffer whole files.
 * Remove this file when a streaming parser passes `multipart-parser.test.ts` and `part-header.test.ts`.
 */
export interface MultipartParser {
  /** Never throws: errors are events, and no event follows them. */
  write(chunk: Uint8Array): void
  /** The body has ended. */
  end(): void
}

export type MultipartEvent =
  | { readonly type: 'part'; readonly header: PartHeader }
  | { readonly type: 'chunk'; readonly chunk: Uint8Array }
  | { readonly type: 'part-end' }
  /** The closing boundary; everything after it is ignored. */
  | { readonly type: 'end' }
  /** The body ended before the closing boundary. */
  | { readonly type: 'truncated' }
  | { readonly type: 'malformed'; readonly detail: string }

/** Bytes of one part header, and of the preamble before the first part. */
export const maxHeaderBytes = 16 * 1024

/** Longer than the headers of most forms. */
const firstBytes = 4096

const lineEnd = Buffer.from('\r\n')
const headerEnd = Buffer.from('\r\n\r\n')
const hyphen = 0x2d

class Malformed extends Error {}

/** @param emit receives the events in order, during `write` and `end` */
export function createMultipartParser(
  boundary: string,
  emit: (event: MultipartEvent) => void,
): MultipartParser {
  /** Holds the longest header with its end. Reused for each part, so that small reads cost no allocation. */
  const block = Buffer.alloc(maxHeaderBytes + headerEnd.length)
  let blockBytes = 0
  /** Number of boundaries before the current bytes. */
  let boundaries = 0
  let preambleBytes = 0
  let state: 'preamble' | 'header' | 'body' | 'over' = 'preamble'

  const search = searchFor(`\r\n--${boundary}`, (index, chunk) => {
    if (state === 'over') return
    if (index > boundaries) passBoundaries(index)
    if (state === 'preamble') addToPreamble(chunk)
    else if (state === 'header') addToHeader(chunk)
    else emit({ type: 'chunk', chunk })
  })
  // The first boundary needs no line before it.
  search.write(lineEnd)
  let isFirst = true

  /** The search copies what follows the line end above, so it gets a short piece first. */
  function writeFirst(chunk: Uint8Array): void {
    const rest = chunk.subarray(firstBytes)
    search.write(chunk.subarray(0, firstBytes))
    if (rest.length === 0) return
    allowFree(rest, () => freeBytes(chunk))
    search.write(rest)
  }

  function passBoundaries(index: number): void {
    // More than one when nothing is between two boundaries, not even the line end of the first.
    for (; boundaries < index; boundaries++) {
      if (state === 'header') finishHeader()
      if (state === 'body') emit({ type: 'part-end' })
      state = 'header'
      blockBytes = 0
    }
  }

  function addToPreamble(chunk: Uint8Array): void {
    preambleBytes += chunk.length
    if (preambleBytes - lineEnd.length > maxHeaderBytes) throw new Malformed(missingBoundary(boundary))
  }

  function addToHeader(chunk: Uint8Array): void {
    const fits = chunk.subarray(0, block.length - blockBytes)
    block.set(fits, blockBytes)
    const from = Math.max(0, blockBytes - headerEnd.length + 1)
    const before = blockBytes
    blockBytes += fits.length
    if (block[0] === hyphen && block[1] === hyphen && blockBytes >= 2) {
      state = 'over'
      emit({ type: 'end' })
      return
    }
    const end = block.subarray(0, blockBytes).indexOf(headerEnd, from)
    if (end < 0) {
      if (blockBytes === block.length)
        throw new Malformed(`The header of a part is longer than ${maxHeaderBytes} bytes.`)
      return
    }
    beginPart(block.subarray(0, end))
    const rest = chunk.subarray(end + headerEnd.length - before)
    if (rest.length > 0) emit({ type: 'chunk', chunk: rest })
  }

  /** A part whose header is directly followed by a boundary is empty (RFC 2046 §5.1.1). */
  function finishHeader(): void {
    const lines = block.subarray(0, blockBytes)
    if (!lines.subarray(-lineEnd.length).equals(lineEnd))
      throw new Malformed('The header of a part is incomplete.')
    beginPart(lines.subarray(0, -lineEnd.length))
  }

  function beginPart(lines: Buffer): void {
    // Spaces may follow a boundary on its line.
    const first = lines.indexOf(lineEnd)
    const padding = lines.toString('latin1', 0, first < 0 ? lines.length : first)
    if (!/^[ \t]*$/.test(padding))
      throw new Malformed('The line of a boundary has other characters after the boundary.')
    emit({
      type: 'part',
      header: parsePartHeader(first < 0 ? lines.subarray(0, 0) : lines.subarray(first + 2)),
    })
    state = 'body'
  }

  function guard(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      if (!(thrown instanceof Malformed || thrown instanceof PartHeaderError)) throw thrown
      state = 'over'
      emit({ type: 'malformed', detail: thrown.message })
    }
  }

  return {
    write: (chunk) =>
      guard(() => {
        if (state === 'over') return
        if (!isFirst) return search.write(chunk)
        isFirst = false
        writeFirst(chunk)
      }),
    end: () =>
      guard(() => {
        // Emits the bytes that could have been the start of a boundary.
        search.end()
        if (state === 'preamble' && preambleBytes > lineEnd.length)
          throw new Malformed(missingBoundary(boundary))
        if (state === 'over') return
        state = 'over'
        emit({ type: 'truncated' })
      }),
  }
}

function missingBoundary(boundary: string): string {
  const shortened = boundary.length > 70 ? `${boundary.slice(0, 70)}…` : boundary
  return `The first ${maxHeaderBytes} bytes of the body do not contain the boundary "${shortened}".`
}

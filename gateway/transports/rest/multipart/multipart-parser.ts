import { make as searchFor } from 'multipasta/Search'
import { parsePartHeader, PartHeaderError, type PartHeader } from './part-header.ts'

/**
 * A push parser of multipart bodies that holds one header and nothing of the content.
 *
 * The search for the boundary is multipasta's. The rest of multipasta 0.2.8, the newest version, is not used: it refuses
 * header values beyond U+00FF and most that are not strictly RFC 9110, accepts a part without a name, and depends on how
 * the body is split in some cases (`--` in two reads, an empty part). No issue is open for these at
 * https://github.com/tim-smart/multipasta/issues; parsers that accept such headers (busboy and its forks,
 * @remix-run/multipart-parser) crashed on cut bodies or hold whole files. Remove this file when a streaming parser
 * passes `parser.test.ts` and `part-header.test.ts`.
 */
export interface MultipartParser {
  /** Never throws; what is wrong comes as a `failure`, and nothing after it. */
  write(chunk: Uint8Array): void
  /** The body is over. */
  end(): void
}

export type MultipartEvent =
  | { readonly is: 'part'; readonly header: PartHeader }
  | { readonly is: 'chunk'; readonly chunk: Uint8Array }
  | { readonly is: 'end of part' }
  /** The closing boundary has come; whatever stands behind it is ignored. */
  | { readonly is: 'end' }
  /** `detail` is a sentence; null when the body ended too early. */
  | { readonly is: 'failure'; readonly detail: string | null }

/** Bytes of one part's header, and of what may stand before the first part. */
export const longestHeader = 16 * 1024

const lineEnd = Buffer.from('\r\n')
const headerEnd = Buffer.from('\r\n\r\n')
const hyphen = 0x2d

class Malformed extends Error {}

/** @param emit is given the events in order, during `write` and `end` */
export function createMultipartParser(
  boundary: string,
  emit: (event: MultipartEvent) => void,
): MultipartParser {
  /** Room for the longest header with its end. Reused for each part, so that a byte a read costs a byte. */
  const block = Buffer.alloc(longestHeader + headerEnd.length)
  let blockBytes = 0
  /** Number of boundaries before the bytes at hand. */
  let boundaries = 0
  let preambleBytes = 0
  let state: 'preamble' | 'header' | 'body' | 'over' = 'preamble'

  const search = searchFor(`\r\n--${boundary}`, (index, chunk) => {
    if (state === 'over') return
    if (index > boundaries) pass(index)
    if (state === 'preamble') takePreamble(chunk)
    else if (state === 'header') takeHeader(chunk)
    else emit({ is: 'chunk', chunk })
  })
  // The first boundary needs no line before it.
  search.write(lineEnd)

  function pass(index: number): void {
    // More than one when nothing at all stands between two, not even the end of the line of the first.
    for (; boundaries < index; boundaries++) {
      if (state === 'header') finishHeader()
      if (state === 'body') emit({ is: 'end of part' })
      state = 'header'
      blockBytes = 0
    }
  }

  function takePreamble(chunk: Uint8Array): void {
    preambleBytes += chunk.length
    if (preambleBytes - lineEnd.length > longestHeader) throw new Malformed(noBoundary(boundary))
  }

  function takeHeader(chunk: Uint8Array): void {
    const fits = chunk.subarray(0, block.length - blockBytes)
    block.set(fits, blockBytes)
    const from = Math.max(0, blockBytes - headerEnd.length + 1)
    const before = blockBytes
    blockBytes += fits.length
    if (block[0] === hyphen && block[1] === hyphen && blockBytes >= 2) {
      state = 'over'
      emit({ is: 'end' })
      return
    }
    const end = block.subarray(0, blockBytes).indexOf(headerEnd, from)
    if (end < 0) {
      if (blockBytes === block.length)
        throw new Malformed(`The header of a part is longer than ${longestHeader} bytes.`)
      return
    }
    begin(block.subarray(0, end))
    const rest = chunk.subarray(end + headerEnd.length - before)
    if (rest.length > 0) emit({ is: 'chunk', chunk: rest })
  }

  /** A part whose header is followed by a boundary at once is empty (RFC 2046 §5.1.1). */
  function finishHeader(): void {
    const lines = block.subarray(0, blockBytes)
    if (!lines.subarray(-lineEnd.length).equals(lineEnd))
      throw new Malformed('The header of a part does not end.')
    begin(lines.subarray(0, -lineEnd.length))
  }

  function begin(lines: Buffer): void {
    // Spaces may follow a boundary on its line.
    const first = lines.indexOf(lineEnd)
    const padding = lines.toString('latin1', 0, first < 0 ? lines.length : first)
    if (!/^[ \t]*$/.test(padding))
      throw new Malformed('A boundary is followed by something else than the end of its line.')
    emit({
      is: 'part',
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
      emit({ is: 'failure', detail: thrown.message })
    }
  }

  return {
    write: (chunk) => guard(() => state !== 'over' && search.write(chunk)),
    end: () =>
      guard(() => {
        // What was held back because it might have become a boundary.
        search.end()
        if (state === 'preamble' && preambleBytes > lineEnd.length) throw new Malformed(noBoundary(boundary))
        if (state === 'over') return
        state = 'over'
        emit({ is: 'failure', detail: null })
      }),
  }
}

function noBoundary(boundary: string): string {
  const shown = boundary.length > 70 ? `${boundary.slice(0, 70)}…` : boundary
  return `No part begins with the boundary "${shown}" in the first ${longestHeader} bytes of the body.`
}

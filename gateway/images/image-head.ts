import { needsMoreBytes, sniffFormat, type FormatId } from '@pixelflow/core/format'
import { isGzip, svgSizeIn } from '@pixelflow/core/svg'
import { imageSize } from 'image-size'
import { jpegSize } from './jpeg-size.ts'

/** Fewer first bytes are not looked at before the file is over. */
const leastHead = 64
/** How far into a file its size in pixels is looked for. */
const longestHead = 256 * 1024

export interface Dimensions {
  readonly width: number | null
  readonly height: number | null
}

/** Reads what the first bytes of a file tell while the file passes by; decodes nothing. */
export interface ImageHead {
  /** Looks at the next bytes of the file. */
  look(chunk: Uint8Array): void
  /** Whether there are enough bytes to tell the format, or the file is over. */
  readonly canTell: boolean
  readonly format: FormatId | undefined
  /** Whether the file is packed with gzip, which no format is. */
  readonly isPacked: boolean
  /** Known as soon as the bytes that state them have passed. */
  readonly dimensions: Dimensions | undefined
  /** The file is over: whatever is not known by now stays unknown. */
  end(): void
}

export function createImageHead(): ImageHead {
  // Mostly the first chunk says it all; a buffer of our own is made only when it did not.
  let kept: Uint8Array = new Uint8Array()
  let length = 0
  let tried = 0
  let format: FormatId | undefined
  let dimensions: Dimensions | undefined
  let isOver = false
  let isTold = false
  let isPacked = false

  const keep = (chunk: Uint8Array) => {
    const more = chunk.subarray(0, longestHead - length)
    if (length + more.length > kept.length) {
      const room = new Uint8Array(Math.min(longestHead, 2 * (length + more.length)))
      room.set(kept.subarray(0, length))
      kept = room
    }
    kept.set(more, length)
    length += more.length
  }

  const read = (head: Uint8Array) => {
    format ??= sniffFormat(head)
    isTold = format !== undefined || !needsMoreBytes(head)
    isPacked = isGzip(head)
    // At the first bytes, and again each time they have doubled: a file in tiny pieces is not read over and over.
    if (format === undefined || (!isOver && head.length < Math.min(longestHead, 2 * tried))) return
    tried = head.length
    dimensions = dimensionsOf(head, format)
    if (isOver || head.length >= longestHead) dimensions ??= unknown
  }

  return {
    look(chunk) {
      if (dimensions !== undefined) return
      if (length === 0 && chunk.length >= leastHead) {
        read(chunk)
        if (dimensions === undefined) keep(chunk)
        return
      }
      keep(chunk)
      if (length >= leastHead) read(kept.subarray(0, length))
    },
    get canTell() {
      return isOver || isTold
    },
    get format() {
      return format
    },
    get isPacked() {
      return isPacked
    },
    get dimensions() {
      return dimensions
    },
    end() {
      isOver = true
      if (dimensions === undefined) read(kept.subarray(0, length))
      dimensions ??= unknown
    },
  }
}

const unknown: Dimensions = { width: null, height: null }

/** The parser copies what is left at each of a file's segments, so it is shown little at first. */
const glances = [4 * 1024, 32 * 1024, longestHead]

function dimensionsOf(head: Uint8Array, format: FormatId): Dimensions | undefined {
  if (format === 'svg') return drawingSizeIn(head)
  if (format === 'jpeg') return sized(jpegSize(head.subarray(0, longestHead)))
  for (const [i, glance] of glances.entries()) {
    if (i > 0 && head.length <= (glances[i - 1] ?? 0)) return undefined
    const found = sizeIn(head.subarray(0, glance), format)
    if (found !== undefined) return found
  }
  return undefined
}

function sizeIn(head: Uint8Array, format: FormatId): Dimensions | undefined {
  try {
    return sized(imageSize(format === 'avif' ? asStill(head) : head))
  } catch {
    // The parser throws for whatever it does not find, and hostile bytes must not end an upload any other way.
    return undefined
  }
}

/** The parser does not know the brand of AVIF sequences, whose still picture is described as that of other files. */
function asStill(head: Uint8Array): Uint8Array {
  const still = Buffer.from(head)
  still.write('avif', 8, 'latin1')
  return still
}

/** A drawing may state any size; one that is no number of pixels is as good as unknown. */
function drawingSizeIn(head: Uint8Array): Dimensions | undefined {
  const size = svgSizeIn(head.subarray(0, longestHead))
  return size && { width: Math.min(size.width, mostSide), height: Math.min(size.height, mostSide) }
}

/** More pixels a side than any limit allows, whose square is still a number that can be told. */
const mostSide = 1e7

function sized(found?: { width: number; height: number }): Dimensions | undefined {
  if (!found || !isSize(found.width) || !isSize(found.height)) return undefined
  return { width: found.width, height: found.height }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

import { needsMoreBytes, sniffFormat, type FormatId } from '@pixelflow/core/format'
import { isGzip, readSvgSize } from '@pixelflow/core/svg'
import { imageSize } from 'image-size'
import { jpegSize } from './jpeg-size.ts'

/** Bytes that are needed before the first detection, unless the file is shorter. */
const minHeadBytes = 64
/** Most bytes of a file in which its size in pixels is searched. */
const maxHeadBytes = 256 * 1024

export interface Dimensions {
  readonly width: number | null
  readonly height: number | null
}

/** Detects format and size from the first bytes of a file while it is streamed. It decodes no pixels. */
export interface ImageHead {
  /** Processes the next bytes of the file. */
  push(chunk: Uint8Array): void
  /** Whether enough bytes have arrived to detect the format, or the file has ended. */
  readonly isDetected: boolean
  readonly format: FormatId | undefined
  /** Whether the file is compressed with gzip. */
  readonly isGzipped: boolean
  /** Undefined until the bytes that contain them have arrived. */
  readonly dimensions: Dimensions | undefined
  /** The file has ended; what is unknown now stays unknown. */
  end(): void
}

export function createImageHead(): ImageHead {
  // The first chunk is usually enough; bytes are copied only when it is not.
  let buffer: Uint8Array = new Uint8Array()
  let length = 0
  let tried = 0
  let format: FormatId | undefined
  let dimensions: Dimensions | undefined
  let hasEnded = false
  let hasEnough = false
  let isGzipped = false

  const append = (chunk: Uint8Array) => {
    const more = chunk.subarray(0, maxHeadBytes - length)
    if (length + more.length > buffer.length) {
      const larger = new Uint8Array(Math.min(maxHeadBytes, 2 * (length + more.length)))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(more, length)
    length += more.length
  }

  const read = (head: Uint8Array) => {
    format ??= sniffFormat(head)
    hasEnough = format !== undefined || !needsMoreBytes(head)
    isGzipped = isGzip(head)
    // Parses again only when the bytes have doubled, so that a file in tiny pieces stays cheap.
    if (format === undefined || (!hasEnded && head.length < Math.min(maxHeadBytes, 2 * tried))) return
    tried = head.length
    dimensions = dimensionsOf(head, format)
    if (hasEnded || head.length >= maxHeadBytes) dimensions ??= unknown
  }

  return {
    push(chunk) {
      if (dimensions !== undefined) return
      if (length === 0 && chunk.length >= minHeadBytes) {
        read(chunk)
        if (dimensions === undefined) append(chunk)
        return
      }
      append(chunk)
      if (length >= minHeadBytes) read(buffer.subarray(0, length))
    },
    get isDetected() {
      return hasEnded || hasEnough
    },
    get format() {
      return format
    },
    get isGzipped() {
      return isGzipped
    },
    get dimensions() {
      return dimensions
    },
    end() {
      hasEnded = true
      if (dimensions === undefined) read(buffer.subarray(0, length))
      dimensions ??= unknown
    },
  }
}

const unknown: Dimensions = { width: null, height: null }

/** The parser copies the rest of the file at each segment, so it gets few bytes first. */
const prefixBytes = [4 * 1024, 32 * 1024, maxHeadBytes]

function dimensionsOf(head: Uint8Array, format: FormatId): Dimensions | undefined {
  if (format === 'svg') return svgSize(head)
  if (format === 'jpeg') return sized(jpegSize(head.subarray(0, maxHeadBytes)))
  for (const [i, bytes] of prefixBytes.entries()) {
    if (i > 0 && head.length <= (prefixBytes[i - 1] ?? 0)) return undefined
    const found = sizeIn(head.subarray(0, bytes), format)
    if (found !== undefined) return found
  }
  return undefined
}

function sizeIn(head: Uint8Array, format: FormatId): Dimensions | undefined {
  try {
    return sized(imageSize(format === 'avif' ? asStill(head) : head))
  } catch {
    // The parser throws when it finds no size, and invalid bytes must not end an upload.
    return undefined
  }
}

/** The parser does not know the brand of AVIF sequences (`avis`); their still image has the same header as `avif`. */
function asStill(head: Uint8Array): Uint8Array {
  const still = Buffer.from(head)
  still.write('avif', 8, 'latin1')
  return still
}

/** An SVG may state any size, so it is limited to a number that fits the messages. */
function svgSize(head: Uint8Array): Dimensions | undefined {
  const size = readSvgSize(head.subarray(0, maxHeadBytes))
  return size && { width: Math.min(size.width, maxSide), height: Math.min(size.height, maxSide) }
}

/** A side above every pixel limit whose square is still a safe integer. */
const maxSide = 1e7

function sized(found?: { width: number; height: number }): Dimensions | undefined {
  if (!found || !isSize(found.width) || !isSize(found.height)) return undefined
  return { width: found.width, height: found.height }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

import { readOrientation } from '../metadata/filter-exif.ts'
import { withFileBytes, type FileBytes } from './file-bytes.ts'
import { pngChunk } from '@pixelflow/core/png'
import { readHiddenExif, signatureBytes, type PngExif } from './png-exif.ts'
import type { Preparation } from './preparation.ts'

/** The first chunk, IHDR, which no other may precede. */
const headerBytes = 25
/** A file up to this size is copied in memory to be turned upright. */
const maxCopyBytes = 128 * 2 ** 20

/**
 * Makes the EXIF of a PNG known that the decoder does not see. Where it states an orientation, the decoder gets a copy of
 * the file with the EXIF before the pixels, since it turns the image by what it reads itself.
 */
export function preparePng(input: string | Buffer, bytes: FileBytes): Preparation {
  const found = readHiddenExif(bytes)
  if (found === undefined) return {}
  const { block } = found
  const orientation = readOrientation((offset, length) =>
    offset + length <= block.length ? block.subarray(offset, offset + length) : undefined,
  )
  if (orientation === 1 || bytes.length > maxCopyBytes) return { exif: block }
  return { exif: block, input: withExifFirst(input, found) }
}

function withExifFirst(input: string | Buffer, { block, start, end }: PngExif): Buffer {
  const head = signatureBytes + headerBytes
  return withFileBytes(input, (bytes) => {
    const read = (from: number, to: number) => Buffer.from(bytes.read(from, to - from))
    return Buffer.concat([read(0, head), pngChunk('eXIf', block), read(head, start), read(end, bytes.length)])
  })
}

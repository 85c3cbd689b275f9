import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { SourceImage } from '../open-source-image.ts'
import { filterExif, type ReadAt } from './filter-exif.ts'
import { filterXmp } from './filter-xmp.ts'

/** Metadata of an image, without thumbnails and other embedded images. */
export interface Description {
  /** A TIFF structure, without the `Exif` marker. */
  readonly exif?: Buffer | undefined
  readonly xmp?: string | undefined
}

/**
 * Reads the metadata of a source that a result may keep.
 * @param upright whether the EXIF orientation has been applied
 */
export function readDescription(source: SourceImage, upright: boolean): Description {
  const { exif, xmp, orientation = 1 } = source.metadata
  const stated = upright ? 1 : orientation
  const text = xmp === undefined ? undefined : filterXmp(new TextDecoder().decode(xmp))
  if (source.format === 'tiff')
    return { exif: readingFile(source.file, (readAt) => filterExif(readAt, stated)), xmp: text }
  return { exif: exif === undefined ? undefined : filterExif(readBlock(exif), stated), xmp: text }
}

const mark = Buffer.from('Exif\0\0', 'latin1')

function readBlock(exif: Buffer): ReadAt {
  const block = exif.subarray(0, mark.length).equals(mark) ? exif.subarray(mark.length) : exif
  return (offset, length) =>
    offset + length <= block.length ? block.subarray(offset, offset + length) : undefined
}

/** Gives random access to a TIFF file, which is itself an EXIF structure. */
function readingFile<T>(input: string | Buffer, work: (readAt: ReadAt) => T): T {
  if (typeof input !== 'string') return work(readBlock(input))
  const file = openSync(input, 'r')
  try {
    const { size } = fstatSync(file)
    return work((offset, length) => {
      if (offset + length > size) return undefined
      const bytes = Buffer.alloc(length)
      return readSync(file, bytes, 0, length, offset) === length ? bytes : undefined
    })
  } finally {
    closeSync(file)
  }
}

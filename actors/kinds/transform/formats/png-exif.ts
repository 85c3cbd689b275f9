import { crc32, inflateSync } from 'node:zlib'
import type { FileBytes } from './file-bytes.ts'

/** EXIF in a PNG file, and the chunk that it was read from. */
export interface PngExif {
  /** A TIFF structure, without the `Exif` marker. */
  readonly block: Buffer
  /** First byte of the chunk, and the byte after it. */
  readonly start: number
  readonly end: number
}

export const signatureBytes = 8
/** Limit of chunks that are read: a hostile file may consist of chunks only. */
const maxChunks = 200_000
/** Limits of an EXIF block, and of its hexadecimal form in a text chunk. A JPEG has at most 64 KiB of EXIF. */
const maxExifBytes = 256 * 1024
const maxTextBytes = 3 * maxExifBytes
/** Limit of text chunks that are inflated. */
const maxProfiles = 4

const profileKeywords = ['Raw profile type exif', 'Raw profile type APP1']
const textTypes: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt'])
/** Length and type before the data, and the checksum after it. */
const aroundBytes = 12

/**
 * Reads EXIF that the decoder misses: libvips reads only an `eXIf` chunk before the pixels. ImageMagick 7 writes the
 * chunk after them; older versions and GraphicsMagick write a text chunk with the block in hexadecimal. Undefined when
 * the decoder reads the EXIF, or when the file has no EXIF.
 */
export function readHiddenExif(bytes: FileBytes): PngExif | undefined {
  let profile: PngExif | undefined
  let profilesLeft = maxProfiles
  let isAfterPixels = false
  let at = signatureBytes
  for (let i = 0; i < maxChunks; i += 1) {
    const head = bytes.read(at, 8)
    if (head.length < 8) break
    const length = head.readUInt32BE(0)
    const type = head.toString('latin1', 4, 8)
    const range = { start: at, end: at + aroundBytes + length }
    if (type === 'IEND') break
    if (type === 'IDAT') isAfterPixels = true
    if (type === 'eXIf') {
      if (!isAfterPixels) return undefined
      const block = length <= maxExifBytes ? tiffStructureIn(readChunk(bytes, at, length)) : undefined
      if (block !== undefined) return { block, ...range }
    } else if (textTypes.has(type) && profile === undefined && length <= maxTextBytes && profilesLeft > 0) {
      const keyword =
        bytes
          .read(at + 8, Math.min(length, 32))
          .toString('latin1')
          .split('\0', 1)[0] ?? ''
      if (profileKeywords.includes(keyword)) {
        profilesLeft -= 1
        const text = textOf(type, readChunk(bytes, at, length))
        const block = tiffStructureIn(text === undefined ? undefined : parseRawProfile(text))
        if (block !== undefined) profile = { block, ...range }
      }
    }
    at = range.end
  }
  return profile
}

/** The data of a chunk; undefined when it is truncated or its checksum is wrong. */
function readChunk(bytes: FileBytes, at: number, length: number): Buffer | undefined {
  const chunk = Buffer.from(bytes.read(at, aroundBytes + length))
  if (chunk.length < aroundBytes + length) return undefined
  const isWhole = crc32(chunk.subarray(4, 8 + length)) === chunk.readUInt32BE(8 + length)
  return isWhole ? chunk.subarray(8, 8 + length) : undefined
}

/** The text of a `tEXt`, `zTXt` or `iTXt` chunk (PNG specification, 11.3.3). */
function textOf(type: string, data: Buffer | undefined): Buffer | undefined {
  if (data === undefined) return undefined
  const afterKeyword = data.indexOf(0) + 1
  if (type === 'tEXt') return data.subarray(afterKeyword)
  if (type === 'zTXt') return inflate(data.subarray(afterKeyword + 1))
  // iTXt: whether the text is compressed, and how; a language and a translated keyword, each with a zero byte after it.
  const isCompressed = data[afterKeyword] === 1
  const afterLanguage = data.indexOf(0, afterKeyword + 2) + 1
  const afterTranslation = afterLanguage === 0 ? 0 : data.indexOf(0, afterLanguage) + 1
  if (afterTranslation === 0) return undefined
  const text = data.subarray(afterTranslation)
  return isCompressed ? inflate(text) : text
}

function inflate(data: Buffer): Buffer | undefined {
  try {
    return inflateSync(data, { maxOutputLength: maxTextBytes })
  } catch {
    return undefined
  }
}

/** ImageMagick's form of a profile: its name, its length in bytes, and its bytes as hexadecimal digits in lines. */
function parseRawProfile(text: Buffer): Buffer | undefined {
  const [, length = '', digits = ''] =
    /^\s*(?:exif|app1)\s+(\d{1,8})\s+([0-9a-f\s]*)$/i.exec(text.toString('latin1').replace(/\0+$/, '')) ?? []
  const bytes = Buffer.from(digits.replaceAll(/\s/g, ''), 'hex')
  return length !== '' && bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined
}

const marker = Buffer.from('Exif\0\0', 'latin1')

/** EXIF without its marker; undefined for anything else, such as XMP in an APP1 segment. */
function tiffStructureIn(data: Buffer | undefined): Buffer | undefined {
  if (data === undefined) return undefined
  const block = data.subarray(0, marker.length).equals(marker) ? data.subarray(marker.length) : data
  return /^(?:II\*\0|MM\0\*)/.test(block.toString('latin1', 0, 4)) ? block : undefined
}

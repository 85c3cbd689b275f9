import { deflateSync } from 'node:zlib'
import { pngChunk } from '@pixelflow/core/png'
import type { FormatId } from '@pixelflow/core/format'
import sharp from 'sharp'

/** Images with much metadata. Every name and place in it is invented. */

type Value = string | number | Uint8Array | readonly [number, number][]
type Tags = Readonly<Record<number, Value>>

export interface DescribedOptions {
  readonly format: Exclude<FormatId, 'gif' | 'svg'>
  /** EXIF orientation; default 6, rotated by 90°. */
  readonly orientation?: number
  readonly bigEndian?: boolean
  /** TIFF with 64 bit offsets. */
  readonly bigTiff?: boolean
  readonly xmp?: string
}

/** Texts in the EXIF of a described image, which tests search in files. */
export const describedTexts = [
  'Erewhon Camera',
  'Ada Example',
  '2026:11:29 12:13:14',
  'Lens of Utopia',
] as const

/** A thumbnail of the unedited original, as EXIF contains it: a complete JPEG. */
export const thumbnail: Uint8Array = await sharp({
  create: {
    width: 24,
    height: 16,
    channels: 3,
    background: '#0a7b3c',
    noise: { type: 'gaussian', mean: 128, sigma: 30 },
  },
})
  .jpeg()
  .toBuffer()

/** 48 × 32 pixels with EXIF: maker, artist, date, lens, place, an orientation, a thumbnail, and another in a maker note. */
export async function describedImage(options: DescribedOptions): Promise<Uint8Array> {
  const { format, xmp } = options
  const plain = sharp(pixels(), { raw })
  const image = xmp === undefined ? plain : plain.withXmp(xmp)
  if (format === 'tiff') return directories(options, xmp)
  const block = directories(options)
  if (format === 'jpeg') return afterHead(await image.jpeg().toBuffer(), 2, app1(block))
  const png = afterHead(await image.png({ compressionLevel: 0 }).toBuffer(), 33, pngChunk('eXIf', block))
  if (format === 'png') return png
  return new Uint8Array(await sharp(png).keepExif().keepXmp().toFormat(format, { lossless: true }).toBuffer())
}

const raw = { width: 48, height: 32, channels: 3 } as const
const pixels = () => Uint8Array.from({ length: raw.width * raw.height * 3 }, (_, i) => (i * 5) % 256)

/** A block of EXIF, or a TIFF file, which has the same structure and contains an image. */
function directories(
  { format, orientation = 6, bigEndian = false, bigTiff = false }: DescribedOptions,
  xmp?: string,
): Uint8Array {
  const out = new Blocks(!bigEndian, bigTiff)
  const [maker, artist, date, lens] = describedTexts
  const exif = out.directory({ 0x9003: date, 0x927c: Uint8Array.from([1, 2, 3, ...thumbnail]), 0xa434: lens })
  const gps = out.directory({
    0x0001: 'N',
    0x0002: [
      [48, 1],
      [6, 1],
      [0, 1],
    ],
    0x0003: 'E',
    0x0004: [
      [11, 1],
      [30, 1],
      [0, 1],
    ],
  })
  const main: Tags = { 0x010f: maker, 0x0112: orientation, 0x013b: artist, 0x8769: exif, 0x8825: gps }
  if (format !== 'tiff') {
    const next = out.directory({ 0x0103: 6, 0x0201: out.bytes(thumbnail), 0x0202: thumbnail.length })
    return out.finish(out.directory(main, next))
  }
  const image: Tags = {
    0x0100: raw.width,
    0x0101: raw.height,
    0x0102: Uint8Array.from([8, 8, 8]),
    0x0103: 1,
    0x0106: 2,
    0x0111: out.bytes(pixels()),
    0x0115: 3,
    0x0116: raw.height,
    0x0117: raw.width * raw.height * 3,
    // Photoshop resources, including a thumbnail (1036).
    0x8649: Uint8Array.from([...Buffer.from('8BIM\x04\x0c\0\0', 'latin1'), 0, 0, 4, 0, ...thumbnail]),
    ...(xmp === undefined ? {} : { 0x02bc: new TextEncoder().encode(xmp) }),
  }
  return out.finish(out.directory({ ...image, ...main }))
}

/** Writes directories one after the other. A directory is written before those that refer to it. */
class Blocks {
  readonly #parts: Buffer[] = []
  readonly #isLittle: boolean
  readonly #isBig: boolean
  #length: number

  constructor(isLittle: boolean, isBig: boolean) {
    this.#isLittle = isLittle
    this.#isBig = isBig
    this.#length = isBig ? 16 : 8
  }

  /** Appends bytes, and returns their offset. */
  bytes(data: Uint8Array): number {
    const at = this.#length
    this.#parts.push(Buffer.concat([data, Buffer.alloc(data.length % 2)]))
    this.#length += data.length + (data.length % 2)
    return at
  }

  directory(tags: Tags, next = 0): number {
    const offsetBytes = this.#isBig ? 8 : 4
    const rows = Object.entries(tags)
      .map(([tag, value]) => [Number(tag), ...this.#typed(value)] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([tag, type, count, data]) => {
        const field = Buffer.alloc(offsetBytes)
        if (data.length <= offsetBytes) data.copy(field)
        else this.#number(this.bytes(data), offsetBytes).copy(field)
        return Buffer.concat([
          this.#number(tag, 2),
          this.#number(type, 2),
          this.#number(count, offsetBytes),
          field,
        ])
      })
    const count = this.#number(rows.length, this.#isBig ? 8 : 2)
    return this.bytes(Buffer.concat([count, ...rows, this.#number(next, offsetBytes)]))
  }

  finish(first: number): Uint8Array {
    const head = this.#isBig
      ? [this.#number(43, 2), this.#number(8, 2), this.#number(0, 2), this.#number(first, 8)]
      : [this.#number(42, 2), this.#number(first, 4)]
    return new Uint8Array(Buffer.concat([Buffer.from(this.#isLittle ? 'II' : 'MM'), ...head, ...this.#parts]))
  }

  #typed(value: Value): readonly [type: number, count: number, data: Buffer] {
    if (typeof value === 'string') return [2, value.length + 1, Buffer.from(`${value}\0`, 'latin1')]
    // Small numbers are shorts, because readers reject a long in some tags, such as the orientation.
    if (typeof value === 'number')
      return value < 256 ? [3, 1, this.#number(value, 2)] : [4, 1, this.#number(value, 4)]
    // Bits per sample are shorts.
    if (value instanceof Uint8Array)
      return value.length === 3
        ? [3, 3, Buffer.concat([...value].map((one) => this.#number(one, 2)))]
        : [7, value.length, Buffer.from(value)]
    return [5, value.length, Buffer.concat(value.flat().map((one) => this.#number(one, 4)))]
  }

  #number(value: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes)
    if (bytes === 8) {
      if (this.#isLittle) buffer.writeBigUInt64LE(BigInt(value))
      else buffer.writeBigUInt64BE(BigInt(value))
    } else if (this.#isLittle) buffer.writeUIntLE(value, 0, bytes)
    else buffer.writeUIntBE(value, 0, bytes)
    return buffer
  }
}

/** XMP with a creator and a thumbnail, and with references to a gain map and a video after the image. */
export const xmpWithEmbeddedImages = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
 xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" xmlns:GImage="http://ns.google.com/photos/1.0/image/"
 hdrgm:Version="1.0" tiff:Orientation="6" GCamera:MotionPhoto="1" GImage:Data="/9j/4AAQSkZJRg==">
<dc:creator><rdf:Seq><rdf:li>Ada &amp; Example</rdf:li></rdf:Seq></dc:creator>
<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><g:format>JPEG</g:format><g:image>/9j/4AAQSkZJRg==</g:image></rdf:li></rdf:Alt></xmp:Thumbnails>
<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Length="830"/></rdf:li></rdf:Seq></Container:Directory>
</rdf:Description></rdf:RDF></x:xmpmeta>`

/** An image of one colour with these bytes as its colour profile, valid or not. */
export async function imageWithProfile(
  format: Exclude<FormatId, 'gif' | 'svg'>,
  profile: Uint8Array,
): Promise<Uint8Array> {
  const image = sharp({ create: { width: 16, height: 12, channels: 3, background: '#c86432' } })
  if (format === 'png') {
    const data = Buffer.concat([Buffer.from('profile\0\0', 'latin1'), deflateSync(profile)])
    return afterHead(await image.png().toBuffer(), 33, pngChunk('iCCP', data))
  }
  const jpeg = afterHead(
    await image.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
    2,
    segment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), profile])),
  )
  if (format === 'jpeg') return jpeg
  // The other formats keep the profile of the JPEG unchanged.
  const file = sharp(jpeg).keepIccProfile()
  return new Uint8Array(await (format === 'webp' ? file.webp({ lossless: true }) : file.tiff()).toBuffer())
}

function app1(block: Uint8Array): Buffer {
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block]))
}

function segment(marker: number, data: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}

function afterHead(file: Buffer, head: number, part: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([file.subarray(0, head), part, file.subarray(head)]))
}

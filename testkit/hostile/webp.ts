import sharp from 'sharp'
import { ascii, u32le } from './bytes.ts'

/** WebP files. */

function chunk(name: string, data: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.from([...ascii(name), ...u32le(data.length)]),
    data,
    Buffer.alloc(data.length % 2),
  ])
}

function riff(chunks: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...chunks])
  return Buffer.concat([Buffer.from([...ascii('RIFF'), ...u32le(body.length)]), body])
}

const u24le = (value: number) => u32le(value).slice(0, 3)
/** The extended header. @param flags 2: animation, 4: XMP, 8: EXIF, 32: profile */
function extended(flags: number, width: number, height: number): Uint8Array {
  return chunk('VP8X', Buffer.from([flags, 0, 0, 0, ...u24le(width - 1), ...u24le(height - 1)]))
}

/** The chunk of a lossless image of one colour: a few bytes for any size. */
async function plain(width: number, height: number): Promise<Uint8Array> {
  const background = '#336699'
  const file = await sharp({ create: { width, height, channels: 3, background } })
    .webp({ lossless: true })
    .toBuffer()
  return file.subarray(file.indexOf('VP8L'))
}

/** An image of one colour in a few bytes. */
export async function solidColor(width: number, height: number): Promise<Uint8Array> {
  return riff([await plain(width, height)])
}

/** An animation with `count` frames of one pixel each. */
export async function frames(width: number, height: number, count: number): Promise<Uint8Array> {
  const header = [...u24le(0), ...u24le(0), ...u24le(0), ...u24le(0), ...u24le(10), 0]
  const one = chunk('ANMF', Buffer.concat([Buffer.from(header), await plain(1, 1)]))
  return riff([
    extended(2, width, height),
    chunk('ANIM', Buffer.from([0, 0, 0, 0, 0, 0])),
    Buffer.alloc(one.length * count, one),
  ])
}

/** A small image with a profile, EXIF and XMP of `bytes` each. */
export async function withLargeMetadata(bytes: number): Promise<Uint8Array> {
  return riff([
    extended(32 | 8 | 4, 8, 8),
    chunk('ICCP', Buffer.alloc(bytes, 1)),
    await plain(8, 8),
    chunk('EXIF', Buffer.alloc(bytes, 'II*\0\x08\0\0\0')),
    chunk('XMP ', Buffer.alloc(bytes, '<x>')),
  ])
}

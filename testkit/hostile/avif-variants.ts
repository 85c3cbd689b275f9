import sharp from 'sharp'
import { ascii } from './bytes.ts'

/** AVIF files with boxes that few encoders write. */

/** Size of these images in pixels. */
export const variantSize = { width: 64, height: 16 } as const

/** An almost lossless image whose alpha grows from `from` on the left to `to` on the right. */
async function transparent(from: number, to: number, bitdepth: 8 | 10 | 12): Promise<Buffer> {
  const { width, height } = variantSize
  const pixels = Buffer.alloc(width * height * 4, 128)
  for (let i = 0; i < width * height; i += 1)
    pixels[i * 4 + 3] = Math.round(from + ((i % width) * (to - from)) / (width - 1))
  return sharp(pixels, { raw: { width, height, channels: 4 } })
    .avif({ quality: 100, effort: 0, bitdepth })
    .toBuffer()
}

/** Offset of the content of the first box of a type. */
function contentAt(file: Buffer, type: string): number {
  const at = file.indexOf(type)
  if (at < 0) throw new Error(`the file has no box ${type}`)
  return at + 4
}

/**
 * A gray image that grows from `from` on the left to `to` of 255 on the right. In limited range, black is 16 and white 235.
 */
export async function grayAvif(
  from: number,
  to: number,
  range: 'limited' | 'full',
  bitdepth: 8 | 10 | 12 = 8,
): Promise<Uint8Array> {
  const file = await transparent(from, to, bitdepth)
  // The alpha item becomes the primary image, and its alpha property becomes a colour property.
  file.writeUInt16BE(2, contentAt(file, 'pitm') + 4)
  file.write('cdsc', contentAt(file, 'auxl') - 4, 'latin1')
  const property = contentAt(file, 'auxC')
  const colours = [...ascii('colrnclx'), 0, 1, 0, 13, 0, 6, range === 'full' ? 0x80 : 0]
  Buffer.from(colours).copy(file, property - 4)
  return file
}

/** A transparent image that is marked as premultiplied. */
export async function premultipliedAvif(): Promise<Uint8Array> {
  const file = await transparent(0, 255, 8)
  const reference = contentAt(file, 'auxl')
  file.write('prem', reference - 4, 'latin1')
  file.writeUInt16BE(1, reference)
  file.writeUInt16BE(2, reference + 4)
  return file
}

/** An image that cannot be decoded, marked as layered or not. */
export async function undecodableAvif(isLayered: boolean): Promise<Uint8Array> {
  const file = await transparent(255, 255, 8)
  if (isLayered) file.write('a1lx', contentAt(file, 'pixi') - 4, 'latin1')
  return file.fill(0, contentAt(file, 'mdat'))
}

import sharp from 'sharp'
import { ascii } from './bytes.ts'

/** AVIF files whose boxes say something else than those of most writers. */

/** Pixels of the pictures made here. */
export const variantSize = { width: 64, height: 16 } as const

/** A picture whose transparency goes from `from` to `to` across, as good as lossless. */
async function transparent(from: number, to: number, bitdepth: 8 | 10 | 12): Promise<Buffer> {
  const { width, height } = variantSize
  const pixels = Buffer.alloc(width * height * 4, 128)
  for (let i = 0; i < width * height; i += 1)
    pixels[i * 4 + 3] = Math.round(from + ((i % width) * (to - from)) / (width - 1))
  return sharp(pixels, { raw: { width, height, channels: 4 } })
    .avif({ quality: 100, effort: 0, bitdepth })
    .toBuffer()
}

/** Where the content of the first box of that type begins. */
function contentAt(file: Buffer, type: string): number {
  const at = file.indexOf(type)
  if (at < 0) throw new Error(`no box ${type} in the file`)
  return at + 4
}

/**
 * A picture of gray alone, as transparency is stored, that goes from `from` to `to` of 255 across and says that its black
 * is 16 and its white 235, or that it uses the full range.
 */
export async function grayAvif(
  from: number,
  to: number,
  range: 'limited' | 'full',
  bitdepth: 8 | 10 | 12 = 8,
): Promise<Uint8Array> {
  const file = await transparent(from, to, bitdepth)
  // The second item becomes the picture, and what says that it is transparency says what its numbers mean.
  file.writeUInt16BE(2, contentAt(file, 'pitm') + 4)
  file.write('cdsc', contentAt(file, 'auxl') - 4, 'latin1')
  const property = contentAt(file, 'auxC')
  const colours = [...ascii('colrnclx'), 0, 1, 0, 13, 0, 6, range === 'full' ? 0x80 : 0]
  Buffer.from(colours).copy(file, property - 4)
  return file
}

/** A transparent picture that says that its colours are multiplied by its transparency. */
export async function premultipliedAvif(): Promise<Uint8Array> {
  const file = await transparent(0, 255, 8)
  const reference = contentAt(file, 'auxl')
  file.write('prem', reference - 4, 'latin1')
  file.writeUInt16BE(1, reference)
  file.writeUInt16BE(2, reference + 4)
  return file
}

/** A picture that says that it comes in layers, or says nothing of them, and that cannot be decoded. */
export async function undecodableAvif(isLayered: boolean): Promise<Uint8Array> {
  const file = await transparent(255, 255, 8)
  if (isLayered) file.write('a1lx', contentAt(file, 'pixi') - 4, 'latin1')
  return file.fill(0, contentAt(file, 'mdat'))
}

import type { Sharp, SharpOptions } from 'sharp'
import { joined } from '../pieces.ts'
import { alphaOf, filledColors, type Rgba } from './fill.ts'

/** Opens bytes as an image: sharp itself, which is not loaded here. */
export type OpenImage = (input: Uint8Array | Uint16Array, options?: SharpOptions) => Sharp

/**
 * Steps that mix neighbouring pixels, on pictures that have transparency.
 *
 * sharp multiplies colours by alpha in 8 bits before such a step and divides afterwards. Where a kernel overshoots at the
 * edge of alpha, alpha is cut at its limit and colours are not, and sharpening takes the edge for one of brightness: flat
 * colours get rims.
 */

/**
 * A pipeline on 16 bits in which alpha uses half of its range: an overshoot is not cut off, and colours stay exact where
 * alpha is small.
 */
export async function withHeadroom(png: Buffer, open: OpenImage): Promise<Sharp> {
  const { data, width, height } = await pixelsOf(png, open)
  const raw = { width, height, channels: 4 } as const
  const deep = open(deepened(data), { raw, limitInputPixels: false })
  const profiled = await withProfileOf(png, deep.toColourspace('rgb16'), open)
  return (profiled ?? deep).pipelineColourspace('rgb16')
}

/**
 * Every level becomes the middle of those that libvips makes it of again, which is by leaving the lower byte out. Its own
 * way of making 16 bits goes to the ends of them, from where rounding leads to the next level.
 */
function deepened(data: Uint8Array): Uint16Array {
  const deep = new Uint16Array(data.length)
  for (let at = 0; at < data.length; at += 4) {
    for (let i = at; i < at + 3; i++) deep[i] = (data[i] ?? 0) * 256 + 128
    // libvips's weights for 16 bits may come to 0.2% less than one: opaque has twice as much to spare.
    deep[at + 3] = Math.floor((data[at + 3] ?? 0) * 128.5)
  }
  return deep
}

/** The end of a pipeline that began with headroom. */
export function withoutHeadroom(pipeline: Sharp): Sharp {
  return pipeline.linear([1, 1, 1, 2], [0, 0, 0, 0]).toColourspace('srgb')
}

async function pixelsOf(png: Buffer, open: OpenImage): Promise<Rgba> {
  const options = { limitInputPixels: false, ignoreIcc: true } as const
  const image = open(png, options).toColourspace('srgb').ensureAlpha()
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** A pipeline to which alpha is joined only after sharp has looked for it: colours are not multiplied by it. */
export async function withColorsApart(png: Buffer, open: OpenImage): Promise<Sharp> {
  const pixels = await pixelsOf(png, open)
  const { width, height } = pixels
  const colors = open(filledColors(pixels), { raw: { width, height, channels: 3 }, limitInputPixels: false })
  const filled = (await withProfileOf(png, colors, open)) ?? colors
  const raw = { width, height, channels: 1 } as const
  // sharp takes any bytes here; its types know only Node's.
  return filled.joinChannel(alphaOf(pixels) as Buffer, { raw })
}

/** Bytes of a PNG up to the end of its first chunk, IHDR. */
const pngHead = 33

/** Pixels with the colour profile of a PNG, or undefined when it has none: plain pixels take the least memory. */
async function withProfileOf(png: Buffer, pixels: Sharp, open: OpenImage): Promise<Sharp | undefined> {
  for (let at = pngHead; at + 12 <= png.length;) {
    const end = at + 12 + png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    if (type === 'iCCP') {
      const plain = await pixels.png({ compressionLevel: 0 }).toBuffer()
      const parts = [plain.subarray(0, pngHead), png.subarray(at, end), plain.subarray(pngHead)]
      return open(joined(parts), { limitInputPixels: false })
    }
    if (type === 'IDAT') return undefined
    at = end
  }
  return undefined
}

import type { Sharp, SharpOptions } from 'sharp'
import { concatBytes } from '../concat-bytes.ts'
import { fillTransparentColors } from './fill-transparent-colors.ts'
import { to16Bit, replaceColors, freePixels, type RawPixels, type Rgba } from './rgba.ts'

/** Opens bytes as an image: sharp itself, which is not loaded here. */
export type OpenImage = (input: Uint8Array | Uint16Array, options: SharpOptions) => Sharp

/**
 * Steps that mix neighbouring pixels, on pictures that have transparency.
 *
 * sharp multiplies colours by alpha in 8 bits before such a step and divides afterwards: colours are coarse where alpha
 * is small. Where a kernel overshoots at the edge of alpha, alpha is cut at its limit and colours are not, and sharpening
 * takes the edge for one of brightness: flat colours get rims.
 */
export type AlphaMode =
  /** 8 bits, as sharp does it. */
  | 'plain'
  /** 16 bits: for kernels that do not overshoot. */
  | 'deep'
  /** 16 bits in which alpha uses half of its range: an overshoot is not cut off. */
  | 'headroom'

export function openRaw({ data, raw }: RawPixels, open: OpenImage): Sharp {
  return open(data, { raw, limitInputPixels: false })
}

export function openRgba({ data, width, height }: Rgba, open: OpenImage): Sharp {
  return openRaw({ data, raw: { width, height, channels: 4 } }, open)
}

/** A pipeline whose steps mix colours in 16 bits. */
export function open16Bit(picture: Rgba, open: OpenImage): Sharp {
  return openRgba(picture, open).pipelineColourspace('rgb16')
}

/**
 * A pipeline that has headroom above alpha. The picture is used up.
 * @param block the picture is made smaller by this whole number first
 */
export function openWithHeadroom(picture: Rgba, block: number, open: OpenImage): Sharp {
  const deep = to16Bit(picture, block)
  freePixels(picture.data)
  return openRaw(deep, open).pipelineColourspace('rgb16')
}

/** The end of a pipeline that went its way: 8 bits again. */
export function finishPipeline(way: AlphaMode, pipeline: Sharp): Sharp {
  switch (way) {
    case 'plain':
      return pipeline
    case 'deep':
      // From the end of a level to its middle, as libvips leaves the lower byte out.
      return pipeline.linear([1, 1, 1, 1], [128, 128, 128, 128]).toColourspace('srgb')
    case 'headroom':
      return pipeline.linear([1, 1, 1, 2], [0, 0, 0, 0]).toColourspace('srgb')
  }
}

/**
 * Sharpens a picture without regard to its transparency. Three channels take libvips a third of the time of four, of
 * which it calculates the first three again for each.
 */
export async function sharpenColors(
  picture: Rgba,
  sharpen: (colors: Sharp) => Sharp,
  open: OpenImage,
): Promise<Rgba> {
  const { width, height } = picture
  const filled = fillTransparentColors(picture)
  const opened = openRaw({ data: filled, raw: { width, height, channels: 3 } }, open)
  const colors = await sharpen(opened).raw().toBuffer()
  freePixels(filled)
  const whole = replaceColors(picture, colors)
  freePixels(colors)
  return whole
}

/** The pixels that a pipeline makes. */
export async function readPixels(pipeline: Sharp): Promise<Rgba> {
  const { data, info } = await pipeline.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** The same for a pipeline with a colour profile that must travel, or with gray pixels: raw ones have no alpha then. */
export async function readPixelsByPng(
  pipeline: Sharp,
  open: OpenImage,
): Promise<{ pixels: Rgba; profile: Uint8Array | undefined }> {
  const png = await pipeline.png({ compressionLevel: 0 }).toBuffer()
  const pixels = await readPixels(
    open(png, { limitInputPixels: false, ignoreIcc: true }).toColourspace('srgb'),
  )
  return { pixels, profile: profileOf(png) }
}

/** Bytes of a PNG up to the end of its first chunk, IHDR. */
const pngHead = 33

/** The chunk of a PNG with its colour profile. */
function profileOf(png: Buffer): Uint8Array | undefined {
  for (let at = pngHead; at + 12 <= png.length;) {
    const end = at + 12 + png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    if (type === 'iCCP') return Uint8Array.from(png.subarray(at, end))
    if (type === 'IDAT') return undefined
    at = end
  }
  return undefined
}

/** What a pipeline makes, with a colour profile. */
export async function withProfile(pipeline: Sharp, profile: Uint8Array, open: OpenImage): Promise<Sharp> {
  const png = await pipeline.png({ compressionLevel: 0 }).toBuffer()
  const parts = [png.subarray(0, pngHead), profile, png.subarray(pngHead)]
  return open(concatBytes(parts), { limitInputPixels: false })
}

import type { Sharp, SharpOptions } from 'sharp'
import { concatBytes } from '../concat-bytes.ts'
import { fillTransparentColors } from './fill-transparent-colors.ts'
import { to16Bit, replaceColors, freePixels, type RawPixels, type Rgba } from './rgba.ts'

/** Opens bytes as an image. The caller passes the sharp module, because this package does not load it. */
export type OpenImage = (input: Uint8Array | Uint16Array, options: SharpOptions) => Sharp

/**
 * How a pipeline represents alpha for steps that mix neighbouring pixels of a picture with transparency.
 *
 * sharp premultiplies colours by alpha in 8 bits before such a step and unpremultiplies them afterwards, which loses
 * colour precision where alpha is small. Where a kernel overshoots at an edge of alpha, alpha is clipped and the
 * colours are not, and sharpening treats the edge as an edge of brightness. Both add fringes to flat colours.
 */
export type AlphaMode =
  /** 8 bits, sharp's default. */
  | 'plain'
  /** 16 bits, for kernels that do not overshoot. */
  | 'deep'
  /** 16 bits, where alpha uses half of its range, so that an overshoot is not clipped. */
  | 'headroom'

export function openRaw({ data, raw }: RawPixels, open: OpenImage): Sharp {
  return open(data, { raw, limitInputPixels: false })
}

export function openRgba({ data, width, height }: Rgba, open: OpenImage): Sharp {
  return openRaw({ data, raw: { width, height, channels: 4 } }, open)
}

/** Opens a picture in a pipeline that calculates in 16 bits. */
export function open16Bit(picture: Rgba, open: OpenImage): Sharp {
  return openRgba(picture, open).pipelineColourspace('rgb16')
}

/**
 * Opens a picture in a 16-bit pipeline with headroom above alpha. Frees the memory of `picture`.
 * @param block integer factor by which the picture is reduced first
 */
export function openWithHeadroom(picture: Rgba, block: number, open: OpenImage): Sharp {
  const deep = to16Bit(picture, block)
  freePixels(picture.data)
  return openRaw(deep, open).pipelineColourspace('rgb16')
}

/** Adds the conversion of the pipeline's result back to 8 bits. */
export function finishPipeline(mode: AlphaMode, pipeline: Sharp): Sharp {
  switch (mode) {
    case 'plain':
      return pipeline
    case 'deep':
      // libvips drops the low byte, so half a level is added to round to the nearest level.
      return pipeline.linear([1, 1, 1, 1], [128, 128, 128, 128]).toColourspace('srgb')
    case 'headroom':
      return pipeline.linear([1, 1, 1, 2], [0, 0, 0, 0]).toColourspace('srgb')
  }
}

/**
 * Sharpens the colours of a picture and keeps its alpha. Only the three colour channels are passed to libvips, which
 * takes a third of the time: with alpha it would repeat the work on the colours for each of the four channels.
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

/** Runs a pipeline and returns its pixels. */
export async function readPixels(pipeline: Sharp): Promise<Rgba> {
  const { data, info } = await pipeline.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** As `readPixels`, for a pipeline with a colour profile to keep or with gray pixels, whose raw output has no alpha. */
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

/** Length of the PNG signature and the first chunk, IHDR, in bytes. */
const pngHead = 33

/** The `iCCP` chunk of a PNG; undefined if it has no colour profile. */
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

/** Runs a pipeline and opens its result with a colour profile. */
export async function openWithProfile(pipeline: Sharp, profile: Uint8Array, open: OpenImage): Promise<Sharp> {
  const png = await pipeline.png({ compressionLevel: 0 }).toBuffer()
  const parts = [png.subarray(0, pngHead), profile, png.subarray(pngHead)]
  return open(concatBytes(parts), { limitInputPixels: false })
}

import { Fault } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import { pictureAfter, type Picture } from '@pixelflow/core/operations/operation'
import { planRenderings, sourcePicture, type Rendering } from '@pixelflow/core/recipe/plan-renderings'
import type { PlannedOutput, PlannedStep } from '@pixelflow/core/recipe/plan'
import sharp, { type Sharp } from 'sharp'
import { mapVipsError } from './map-vips-error.ts'
import { replacePngExif } from './metadata/replace-png-exif.ts'
import type { Description } from './metadata/description.ts'
import type { SourceImage } from './open-source-image.ts'
import { requireDrawable, type DrawingCost } from './svg/drawing-cost.ts'

/** A rendered picture in memory, from which the next pipeline goes on. */
export interface Pixels {
  readonly picture: Picture
  /** The same as a PNG of our own, which may carry what describes the picture. */
  readonly png?: Buffer
  open(): Sharp
}

/** A source as pixels that are yet to be decoded. */
export function sourcePixels(source: SourceImage, orient: boolean): Pixels {
  return {
    picture: sourcePicture(source.metadata, orient),
    open: () => sharp(source.input, source.reading),
  }
}

/**
 * Makes the pixels of one pass. They stay plain, 8 bit sRGB, where nothing else of the file has to be carried along;
 * else they are a PNG without compression, which carries profile and metadata too.
 */
export async function renderPass(from: Pixels, rendering: Rendering, plain: boolean): Promise<Pixels> {
  try {
    const pipeline = await rendering.apply(from.open(), sharp)
    if (!plain) {
      const png = await pipeline.png({ compressionLevel: 0 }).toBuffer()
      return { picture: rendering.after, png, open: () => openPng(png) }
    }
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    const raw = { width, height, channels }
    const picture = { width, height, alpha: channels === 2 || channels === 4 }
    return { picture, open: () => sharp(data, { raw, limitInputPixels: false }) }
  } catch (error) {
    throw mapVipsError(error, 'render')
  }
}

/** Makes the pixels of an output's only rendering and writes them to a file in its format, in one go. */
export async function renderFile(
  from: Pixels,
  rendering: Rendering,
  path: string,
): Promise<{ width: number; height: number }> {
  try {
    const { width, height } = await (await rendering.apply(from.open(), sharp)).toFile(path)
    return { width, height }
  } catch (error) {
    throw mapVipsError(error, 'render')
  }
}

function openPng(png: Buffer): Sharp {
  return sharp(png, { limitInputPixels: false })
}

/** Writes pixels to a file in the output's format, with a description where one is to be kept. */
export async function encode(
  from: Pixels,
  output: PlannedOutput,
  target: WritableFormatId,
  path: string,
  { exif, xmp }: Description = {},
): Promise<{ width: number; height: number }> {
  try {
    const [rendering] = planRenderings(written(output), from.picture, target)
    const described = from.png === undefined ? from.open() : openPng(replacePngExif(from.png, exif))
    const pipeline = await rendering.apply(described, sharp)
    const { width, height } = await (xmp === undefined ? pipeline : pipeline.withXmp(xmp)).toFile(path)
    return { width, height }
  } catch (error) {
    throw mapVipsError(error, 'encode')
  }
}

/** The output after all its steps: only the writing is left. */
function written(output: PlannedOutput): PlannedOutput {
  return { ...output, passes: [], source: { orient: false } }
}

/**
 * Whether the pixels of a pass can go on as plain values. Grayscale ones would lose their colour channels, and what is
 * laid around or under them later its colours.
 */
export function canStayRaw({ format }: PlannedOutput, pass: readonly PlannedStep[]): boolean {
  const isGray = pass.some(({ operation, step }) => operation.slot(step) === 'grayscale')
  return format.metadata === 'strip' && format.colorspace === 'srgb' && !isGray
}

/**
 * Looks at how large a drawing has to be drawn for an output.
 * @throws Fault `too_many_pixels` or `resource_limit_exceeded` when it is more than is allowed.
 */
export function checkDrawingCost(
  output: PlannedOutput,
  source: Picture,
  cost: DrawingCost,
  maxPixels: number,
): void {
  if (source.isVector !== true) return
  let picture = source
  for (const { operation, step } of output.passes[0] ?? []) {
    if (operation.rasterSize !== undefined)
      return requireDrawable(operation.rasterSize(step, picture), cost, maxPixels)
    picture = pictureAfter({ operation, step }, picture)
  }
  requireDrawable(source, cost, maxPixels)
}

/**
 * Looks at every picture on the way to an output before any is made.
 * @throws Fault `too_many_pixels` naming the step that would make more than allowed.
 */
export function checkSizes(output: PlannedOutput, source: Picture, maxPixels: number): void {
  let picture = source
  for (const planned of output.passes.flat()) {
    const { field, where } = planned
    picture = pictureAfter(planned, picture)
    const { width, height } = picture
    if (width * height <= maxPixels) continue
    throw new Fault(
      'too_many_pixels',
      `In ${where}: the picture would be ${width}×${height}, and ${maxPixels} pixels are allowed.`,
      { field, remedy: 'Choose a smaller size.' },
    )
  }
}

import { Fault } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import { pictureAfterStep, type Picture } from '@pixelflow/core/recipe/operation'
import { planRenderings, sourcePicture, type Rendering } from '@pixelflow/core/recipe/plan-renderings'
import type { PlannedOutput, PlannedStep } from '@pixelflow/core/recipe/plan'
import sharp, { type Sharp } from 'sharp'
import { mapVipsError } from './map-vips-error.ts'
import { replacePngExif } from './metadata/replace-png-exif.ts'
import type { Description } from './metadata/read-description.ts'
import type { SourceImage } from './open-source-image.ts'
import { requireDrawable, type DrawingCost } from './svg/drawing-cost.ts'
import { writeOutput, type WrittenOutput } from './write-output.ts'

/** Rendered pixels in memory, the input of the next pipeline. */
export interface Pixels {
  readonly picture: Picture
  /** The same as an uncompressed PNG, which may carry metadata. */
  readonly png?: Buffer
  open(): Sharp
}

/** The source as pixels that are decoded by the first pipeline. */
export function createSourcePixels(source: SourceImage, orient: boolean): Pixels {
  return {
    picture: sourcePicture(source.metadata, orient),
    open: () => sharp(source.input, source.reading),
  }
}

/**
 * Renders one pass. The result is raw 8-bit sRGB where no metadata or profile must be kept; else it is an uncompressed
 * PNG, which carries both.
 */
export async function renderPass(from: Pixels, rendering: Rendering, staysRaw: boolean): Promise<Pixels> {
  try {
    const pipeline = await rendering.apply(from.open(), sharp)
    if (!staysRaw) {
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

/** Renders an output that has one rendering and encodes it in the same pipeline, to `path` if it is large. */
export async function renderOutput(from: Pixels, rendering: Rendering, path: string): Promise<WrittenOutput> {
  try {
    return await writeOutput(await rendering.apply(from.open(), sharp), rendering.after, path)
  } catch (error) {
    throw mapVipsError(error, 'render')
  }
}

function openPng(png: Buffer): Sharp {
  return sharp(png, { limitInputPixels: false })
}

/** Encodes pixels in the format of the output, with the metadata to keep, to `path` if the file is large. */
export async function encode(
  from: Pixels,
  output: PlannedOutput,
  target: WritableFormatId,
  path: string,
  { exif, xmp }: Description = {},
): Promise<WrittenOutput> {
  try {
    const [rendering] = planRenderings(omitSteps(output), from.picture, target)
    const described = from.png === undefined ? from.open() : openPng(replacePngExif(from.png, exif))
    const pipeline = await rendering.apply(described, sharp)
    return await writeOutput(xmp === undefined ? pipeline : pipeline.withXmp(xmp), from.picture, path)
  } catch (error) {
    throw mapVipsError(error, 'encode')
  }
}

/** The output without its steps; only the encoding is left. */
function omitSteps(output: PlannedOutput): PlannedOutput {
  return { ...output, passes: [], source: { orient: false } }
}

/**
 * Whether the pixels of a pass can stay raw. Raw grayscale would lose its colour channels, and later backgrounds their
 * colours.
 */
export function canStayRaw({ format }: PlannedOutput, pass: readonly PlannedStep[]): boolean {
  const isGray = pass.some(({ operation, step }) => operation.slot(step) === 'grayscale')
  return format.metadata === 'strip' && format.colorspace === 'srgb' && !isGray
}

/**
 * Checks the size at which an SVG must be rendered for an output.
 * @throws Fault `too_many_pixels` or `resource_limit_exceeded` when a limit is exceeded.
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
    picture = pictureAfterStep({ operation, step }, picture)
  }
  requireDrawable(source, cost, maxPixels)
}

/**
 * Checks the size of every intermediate image before anything is rendered.
 * @throws Fault `too_many_pixels`, whose field names the step.
 */
export function checkSizes(output: PlannedOutput, source: Picture, maxPixels: number): void {
  let picture = source
  for (const planned of output.passes.flat()) {
    const { field, step } = planned
    picture = pictureAfterStep(planned, picture)
    const { width, height } = picture
    if (width * height <= maxPixels) continue
    throw new Fault(
      'too_many_pixels',
      `The image would have ${width}×${height} pixels after ${step.op}; at most ${maxPixels} pixels are allowed.`,
      { field, remedy: 'Choose a smaller size.' },
    )
  }
}

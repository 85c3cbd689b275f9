import { readFile, writeFile } from 'node:fs/promises'
import { defaultOutputFormat } from '@pixelflow/core/format'
import { defaultFormat, flattens } from '@pixelflow/core/operations/format'
import { resize } from '@pixelflow/core/operations/resize'
import { planRenderings, sourcePicture } from '@pixelflow/core/recipe/plan-renderings'
import { passesOf, plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import { copySize, resizeTo, planPreview } from '@pixelflow/core/recipe/plan-preview'
import sharp, { type Sharp } from 'sharp'
import type { WorkerHandler } from '../../sandbox/worker-message.ts'
import { mapVipsError } from '../transform/map-vips-error.ts'
import { despiteProfile } from '../transform/metadata/icc-profile.ts'
import { openSourceImage, type SourceImage } from '../transform/open-source-image.ts'
import {
  checkDrawingCost,
  checkSizes,
  renderPass,
  sourcePixels,
  canStayRaw,
  type Pixels,
} from '../transform/pixels.ts'
import { drawablePixels, isDrawable } from '../transform/svg/drawing-cost.ts'
import {
  previewInput,
  type CopyMade,
  type MakeCopy,
  type MakePreview,
  type PreviewInput,
  type PreviewMade,
} from './preview-input.ts'

/** The half of a preview that meets the picture. */
export const previewWorker: WorkerHandler = {
  // The transform in the same child has warmed everything up.
  async warmUp() {},
  async run(input, note) {
    const order: PreviewInput = previewInput.parse(input)
    note(order.do === 'copy' ? await makeCopy(order) : await makePreview(order))
  },
}

async function makeCopy(order: MakeCopy): Promise<CopyMade> {
  const source = await openSourceImage(order.source, order.format, order.maxPixels)
  return despiteProfile(source, (opened) => copyOf(opened, order))
}

async function copyOf(source: SourceImage, order: MakeCopy): Promise<CopyMade> {
  const picture = sourcePicture(source.metadata, order.orient)
  // No larger than it is drawn in passable time.
  const drawable = isDrawable(picture, source.cost)
    ? Math.max(picture.width * picture.height, drawablePixels(source.cost))
    : drawablePixels(source.cost)
  const size = copySize(picture, Math.min(order.copyPixels, drawable))
  const step = { operation: resize, step: resizeTo(size), field: '', where: 'the preview' }
  const isWhole = size.width === picture.width && size.height === picture.height
  const output: PlannedOutput = {
    name: 'copy',
    source: { orient: order.orient },
    passes: passesOf(isWhole ? [] : [step]),
    format: defaultFormat,
  }
  const [rendering] = planRenderings(output, picture, 'png')
  try {
    const pipeline = await rendering.apply(sourcePixels(source, order.orient).open(), sharp)
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true })
    await writeFile(order.path, data)
    const { width, height, alpha, isVector = false } = picture
    const { cost } = source
    return { source: { width, height, alpha, isVector }, cost, copy: sizeOf(info) }
  } catch (error) {
    throw mapVipsError(error, 'render')
  }
}

function sizeOf({ width, height, channels }: { width: number; height: number; channels: number }) {
  if (channels < 1 || channels > 4) throw new Error(`${channels} channels`)
  return { width, height, channels: channels as 1 | 2 | 3 | 4 }
}

async function makePreview(order: MakePreview): Promise<PreviewMade> {
  const { recipe, made, maxPixels, wish } = order
  const planned = plan(recipe).outputs.find(({ name }) => name === order.output)
  if (planned === undefined) throw new Error(`the recipe has no output ${order.output}`)
  // All that can be wrong with the recipe for the whole picture is told as the task would tell it.
  const realTarget = planned.format.type ?? defaultOutputFormat(order.format)
  planRenderings(planned, made.source, realTarget)
  checkSizes(planned, made.source, maxPixels)
  checkDrawingCost(planned, made.source, made.cost, maxPixels)

  const copy = await copyPixels(order)
  const { output, result, picture } = planPreview(planned, made.source, copy.picture, wish.maxPixels)
  const isFlat = flattens(result, realTarget)
  const format = wish.format ?? (picture.alpha && !isFlat ? 'webp' : 'jpeg')
  const { background } = planned.format
  const written = { ...defaultFormat, type: format, quality: wish.quality, effort: 0, background }
  try {
    const pipeline = await rendered(copy, { ...output, source: { orient: false }, format: written }, isFlat)
    const { width, height } = await pipeline.toFile(order.target)
    return { width, height, result: { width: result.width, height: result.height }, format }
  } catch (error) {
    throw mapVipsError(error, 'encode')
  }
}

async function copyPixels({ path, made }: MakePreview): Promise<Pixels> {
  const { width, height, channels } = made.copy
  const data = await readFile(path)
  const picture = { width, height, alpha: channels === 2 || channels === 4 }
  const raw = { width, height, channels }
  return { picture, open: () => sharp(data, { raw, limitInputPixels: false }) }
}

/** The last pipeline, all others done. */
async function rendered(copy: Pixels, output: PlannedOutput, isFlat: boolean): Promise<Sharp> {
  const { type = 'jpeg', quality = 80 } = output.format
  // What the real result lays on a background is laid on it here, also in a format that could do without.
  const passes = planRenderings(output, copy.picture, isFlat ? 'jpeg' : type)
  let pixels = copy
  for (const [i, pass] of passes.slice(0, -1).entries()) {
    pixels = await renderPass(pixels, pass, canStayRaw(output, output.passes[i] ?? []))
  }
  const pipeline = await (passes.at(-1) ?? passes[0]).apply(pixels.open(), sharp)
  return isFlat && type === 'webp' ? pipeline.webp({ quality, effort: 0 }) : pipeline
}

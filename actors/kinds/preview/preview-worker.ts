import { readFile, writeFile } from 'node:fs/promises'
import { chooseOutputFormat } from '@pixelflow/core/format'
import { defaultFormat, flattens } from '@pixelflow/core/operations/format'
import { resize } from '@pixelflow/core/operations/resize'
import { planRenderings, sourcePicture } from '@pixelflow/core/recipe/plan-renderings'
import { groupPasses, plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import { copySize, resizeTo, planPreview } from '@pixelflow/core/recipe/plan-preview'
import sharp, { type Sharp } from 'sharp'
import type { WorkerHandler } from '../../sandbox/worker-handler.ts'
import { mapVipsError } from '../transform/map-vips-error.ts'
import { retryWithoutProfile } from '../transform/metadata/retry-without-profile.ts'
import { openSourceImage, type SourceImage } from '../transform/open-source-image.ts'
import {
  checkDrawingCost,
  checkSizes,
  renderPass,
  createSourcePixels,
  canStayRaw,
  type Pixels,
} from '../transform/pixels.ts'
import { inputOf } from '../transform/transform-worker.ts'
import { computeDrawablePixels, isDrawable } from '../transform/svg/drawing-cost.ts'
import {
  type CopyResult,
  type CopyRequest,
  type PreviewInput,
  type PreviewWork,
  type PreviewResult,
} from './preview-input.ts'

/** The part of a preview that runs in a worker. */
export const previewWorker: WorkerHandler = {
  // The transform handler of the same worker warms sharp up.
  async warmUp() {},
  async run(input, note) {
    const request = input as PreviewInput
    note(request.do === 'copy' ? await renderCopy(request) : await renderPreview(request))
  },
}

async function renderCopy(input: CopyRequest): Promise<CopyResult> {
  const source = await openSourceImage(inputOf(input.source), input.format, input.maxPixels)
  return retryWithoutProfile(source, (opened) => writeCopy(opened, input))
}

async function writeCopy(source: SourceImage, input: CopyRequest): Promise<CopyResult> {
  const picture = sourcePicture(source.metadata, input.orient)
  // An SVG is drawn no larger than its cost allows.
  const drawable = isDrawable(picture, source.cost)
    ? Math.max(picture.width * picture.height, computeDrawablePixels(source.cost))
    : computeDrawablePixels(source.cost)
  const size = copySize(picture, Math.min(input.copyPixels, drawable))
  const step = { operation: resize, step: resizeTo(size), field: '' }
  const isWhole = size.width === picture.width && size.height === picture.height
  const output: PlannedOutput = {
    name: 'copy',
    source: { orient: input.orient },
    passes: groupPasses(isWhole ? [] : [step]),
    format: defaultFormat,
  }
  const [rendering] = planRenderings(output, picture, 'png')
  try {
    const pipeline = await rendering.apply(createSourcePixels(source, input.orient).open(), sharp)
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true })
    await writeFile(input.path, data)
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

async function renderPreview(input: PreviewWork): Promise<PreviewResult> {
  const { recipe, made, maxPixels, preview } = input
  const planned = plan(recipe).outputs.find(({ name }) => name === input.output)
  if (planned === undefined) throw new Error(`the recipe has no output ${input.output}`)
  // Checked against the original, so that the preview reports the same faults as the task.
  const realTarget = planned.format.type ?? chooseOutputFormat(input.format)
  planRenderings(planned, made.source, realTarget)
  checkSizes(planned, made.source, maxPixels)
  checkDrawingCost(planned, made.source, made.cost, maxPixels)

  const copy = await readCopy(input)
  const { output, result, picture } = planPreview(planned, made.source, copy.picture, preview.maxPixels)
  const isFlat = flattens(result, realTarget)
  const format = preview.format ?? (picture.alpha && !isFlat ? 'webp' : 'jpeg')
  const { background } = planned.format
  const written = { ...defaultFormat, type: format, quality: preview.quality, effort: 0, background }
  try {
    const pipeline = await renderAllButLast(
      copy,
      { ...output, source: { orient: false }, format: written },
      isFlat,
    )
    const { width, height } = await pipeline.toFile(input.target)
    return { width, height, result: { width: result.width, height: result.height }, format }
  } catch (error) {
    throw mapVipsError(error, 'encode')
  }
}

async function readCopy({ path, made }: PreviewWork): Promise<Pixels> {
  const { width, height, channels } = made.copy
  const data = await readFile(path)
  const picture = { width, height, alpha: channels === 2 || channels === 4 }
  const raw = { width, height, channels }
  return { picture, open: () => sharp(data, { raw, limitInputPixels: false }) }
}

/** Runs all passes but the last, and returns the pipeline of the last one. */
async function renderAllButLast(copy: Pixels, output: PlannedOutput, isFlat: boolean): Promise<Sharp> {
  const { type = 'jpeg', quality = 80 } = output.format
  // A result without transparency is flattened here too, even when the format of the preview supports transparency.
  const passes = planRenderings(output, copy.picture, isFlat ? 'jpeg' : type)
  let pixels = copy
  for (const [i, pass] of passes.slice(0, -1).entries()) {
    pixels = await renderPass(pixels, pass, canStayRaw(output, output.passes[i] ?? []))
  }
  const pipeline = await (passes.at(-1) ?? passes[0]).apply(pixels.open(), sharp)
  return isFlat && type === 'webp' ? pipeline.webp({ quality, effort: 0 }) : pipeline
}

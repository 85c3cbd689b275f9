import { chooseOutputFormat } from '@pixelflow/core/format'
import { planRenderings, sourcePicture, type Rendering } from '@pixelflow/core/recipe/plan-renderings'
import { plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import sharp from 'sharp'
import { timeStage } from '../../sandbox/time-stage.ts'
import type { WorkerHandler } from '../../sandbox/worker-handler.ts'
import { allowDecoders } from './allow-decoders.ts'
import { estimateEncodingMs } from './estimate-encoding-ms.ts'
import { readDescription } from './metadata/read-description.ts'
import { retryWithoutProfile, selectKeepableColours } from './metadata/retry-without-profile.ts'
import { openSourceImage, type SourceImage } from './open-source-image.ts'
import {
  checkDrawingCost,
  checkSizes,
  encode,
  renderOutput,
  renderPass,
  createSourcePixels,
  canStayRaw,
  type Pixels,
} from './pixels.ts'
import { outputPath, type WorkerSource, type TransformInput, type TransformNote } from './transform-input.ts'
import { splitSharedPasses, cacheSharedPasses } from './shared-passes.ts'

/** The part of a transform that runs in a worker. */
export const transformWorker: WorkerHandler = {
  async warmUp() {
    // Each image then allows its own decoder only.
    allowDecoders(['jpeg'])
    // One thread per worker: there are as many workers as cores.
    sharp.concurrency(1)
    sharp.cache(false)
    const gray = { create: { width: 64, height: 64, channels: 3, background: '#808080' } } as const
    const base64 = (await sharp(gray).jpeg().toBuffer()).toString('base64')
    const { steps } = parseRecipe('resize:32')
    const input = {
      source: { base64 },
      format: 'jpeg',
      outputs: ['default'],
      folder: '',
      maxPixels: 1e6,
    } as const
    // The first run loads and compiles most of what an image takes, and costs as much as ten others.
    for (const last of [[], parseRecipe('format:webp').steps])
      await run({ ...input, recipe: { steps: [...steps, ...last] }, shortStageMs: 20 }, () => {})
  },
  run: (input, note) => run(input as TransformInput, note),
}

async function run(input: TransformInput, note: (note: TransformNote) => void): Promise<void> {
  const source = await timeStage('read header', () =>
    openSourceImage(inputOf(input.source), input.format, input.maxPixels),
  )
  await retryWithoutProfile(source, (opened) => make(opened, input, note))
}

async function make(
  source: SourceImage,
  input: TransformInput,
  note: (note: TransformNote) => void,
): Promise<void> {
  const pictureOf = ({ source: { orient } }: PlannedOutput) => sourcePicture(source.metadata, orient)
  const targetOf = ({ format }: PlannedOutput) => format.type ?? chooseOutputFormat(source.format)
  const wanted = plan(input.recipe)
    .outputs.filter(({ name }) => input.outputs.includes(name))
    .map((output) => ({ ...output, format: selectKeepableColours(output.format, source) }))
  const outputs = splitSharedPasses(wanted, pictureOf)
  // Checked before decoding, so that a recipe that does not fit the image fails fast.
  const passes = new Map(
    outputs.map((output) => [output, planRenderings(output, pictureOf(output), targetOf(output))]),
  )
  for (const output of outputs) {
    checkSizes(output, pictureOf(output), input.maxPixels)
    checkDrawingCost(output, pictureOf(output), source.cost, input.maxPixels)
  }

  const [only] = outputs
  const atOnce = only && outputs.length === 1 ? selectOnlyRendering(passes.get(only)) : undefined
  if (only && atOnce && only.format.metadata === 'strip') {
    const { shortStageMs } = input
    const target = targetOf(only)
    if (shortStageMs === null || estimateEncodingMs(atOnce.after, target, only.format) <= shortStageMs) {
      const index = input.outputs.indexOf(only.name)
      const path = outputPath(input.folder, index)
      const written = await timeStage(`decode, render, encode ${target}`, () =>
        renderOutput(createSourcePixels(source, only.source.orient), atOnce, path),
      )
      if (shortStageMs !== null) note({ stage: 'decoded' })
      note({ stage: 'output', index, format: target, ...written })
      return
    }
  }

  const remember = cacheSharedPasses<Pixels>(outputs)
  for (const [output, steps] of passes) {
    const start = createSourcePixels(source, output.source.orient)
    const pixels = await remember(output, start, (before, i) =>
      timeStage(before === start ? 'decode, pass 1' : `pass ${i + 1}`, () =>
        renderPass(before, steps[i] ?? steps[0], canStayRaw(output, output.passes[i] ?? [])),
      ),
    )
    if (output === outputs[0]) note({ stage: 'decoded' })

    const target = targetOf(output)
    const index = input.outputs.indexOf(output.name)
    const description = output.format.metadata === 'keep' ? readDescription(source, output.source.orient) : {}
    const path = outputPath(input.folder, index)
    const written = await timeStage(`encode ${target}`, () =>
      encode(pixels, output, target, path, description),
    )
    note({ stage: 'output', index, format: target, ...written })
  }
}

/** What the decoder reads: the bytes of a small file, or the path. */
export function inputOf(source: WorkerSource): string | Buffer {
  return 'path' in source ? source.path : Buffer.from(source.base64, 'base64')
}

/** The rendering, if the output has exactly one. */
function selectOnlyRendering(all: readonly Rendering[] = []): Rendering | undefined {
  return all.length === 1 ? all[0] : undefined
}

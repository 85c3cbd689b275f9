import { renameSync } from 'node:fs'
import { chooseOutputFormat, type WritableFormatId } from '@pixelflow/core/format'
import { planRenderings, sourcePicture, type Rendering } from '@pixelflow/core/recipe/plan-renderings'
import { plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import sharp from 'sharp'
import type { WorkerHandler } from '../../sandbox/worker-handler.ts'
import { allowDecoders } from './allow-decoders.ts'
import { readDescription } from './metadata/read-description.ts'
import { retryWithoutProfile, selectKeepableColours } from './metadata/retry-without-profile.ts'
import { openSourceImage, type SourceImage } from './open-source-image.ts'
import {
  checkDrawingCost,
  checkSizes,
  encode,
  renderFile,
  renderPass,
  createSourcePixels,
  canStayRaw,
  type Pixels,
} from './pixels.ts'
import { outputPath, transformInput, type TransformInput, type TransformNote } from './transform-input.ts'
import { splitSharedPasses, cacheSharedPasses } from './shared-passes.ts'

/** The part of a transform that runs in a worker. */
export const transformWorker: WorkerHandler = {
  async warmUp() {
    // Each image then allows its own decoder only.
    allowDecoders(['jpeg'])
    // One thread per worker: there are as many workers as cores.
    sharp.concurrency(1)
    sharp.cache(false)
    const gray = { create: { width: 16, height: 16, channels: 3, background: '#808080' } } as const
    const small = await sharp(gray).jpeg().toBuffer()
    await sharp(await sharp(small).resize(8).raw().toBuffer(), {
      raw: { width: 8, height: 8, channels: 3 },
    })
      .webp()
      .toBuffer()
  },
  run: (input, note) => run(transformInput.parse(input), note),
}

async function run(input: TransformInput, note: (note: TransformNote) => void): Promise<void> {
  const source = await openSourceImage(input.source, input.format, input.maxPixels)
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
  if (only && atOnce && !input.inStages && only.format.metadata === 'strip') {
    await deliver(0, targetOf(only), (path) =>
      renderFile(createSourcePixels(source, only.source.orient), atOnce, path),
    )
    return
  }

  const remember = cacheSharedPasses<Pixels>(outputs)
  for (const [output, steps] of passes) {
    const start = createSourcePixels(source, output.source.orient)
    const pixels = await remember(output, start, (before, i) =>
      renderPass(before, steps[i] ?? steps[0], canStayRaw(output, output.passes[i] ?? [])),
    )
    if (output === outputs[0]) note({ stage: 'decoded' })

    const target = targetOf(output)
    const index = input.outputs.indexOf(output.name)
    const description = output.format.metadata === 'keep' ? readDescription(source, output.source.orient) : {}
    await deliver(index, target, (path) => encode(pixels, output, target, path, description))
  }

  /** Writes an output file and sends a note. */
  async function deliver(
    index: number,
    target: WritableFormatId,
    write: (path: string) => Promise<{ width: number; height: number }>,
  ) {
    const path = outputPath(input.folder, index)
    // Renamed when complete: the actor may read the file while the work runs again after a crash.
    const size = await write(`${path}.part`)
    renameSync(`${path}.part`, path)
    note({ stage: 'output', index, format: target, ...size })
  }
}

/** The rendering, if the output has exactly one. */
function selectOnlyRendering(all: readonly Rendering[] = []): Rendering | undefined {
  return all.length === 1 ? all[0] : undefined
}

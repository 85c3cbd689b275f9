import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fault } from '@pixelflow/core/fault'
import { formatIds, sniffFormat, type FormatId } from '@pixelflow/core/format'
import { outputNames, parseRecipe } from '@pixelflow/core/recipe/recipe'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import sharp from 'sharp'
import { transformWorker } from '../kinds/transform/transform-worker.ts'
import { allowDecoders } from '../kinds/transform/allow-decoders.ts'
import { outputPath } from '../kinds/transform/transform-input.ts'

export interface TransformHarnessOptions {
  readonly format?: FormatId
  readonly maxPixels?: number
  readonly inStages?: boolean
}

/** Runs the transform worker in this process. */
export async function openTransformHarness() {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-transform-harness-'))
  await transformWorker.warmUp()

  async function transform(bytes: Uint8Array, recipe: unknown, options: TransformHarnessOptions = {}) {
    const folder = await mkdtemp(join(home, 'task-'))
    const source = join(folder, 'source')
    await Bun.write(source, bytes)
    const parsed = parseRecipe(recipe)
    const outputs = outputNames(parsed)
    const notes: unknown[] = []
    const { format = sniffFormat(bytes), maxPixels = 1e8, inStages = true } = options
    const input = { source, format, recipe: parsed, outputs, folder, inStages, maxPixels }
    // The test decodes the results in the same process.
    await transformWorker.run(input, (note) => notes.push(note)).finally(() => allowDecoders(formatIds))
    const files = await Promise.all(outputs.map((_, i) => Bun.file(outputPath(folder, i)).bytes()))
    return {
      notes,
      left: await readdir(folder),
      files,
      file: files[0] as Uint8Array,
      metadata: await sharp(files[0]).metadata(),
    }
  }

  return {
    transform,
    /** The fault of a transform. @throws Error when it succeeds. */
    faultOf: (bytes: Uint8Array, recipe: unknown, options: TransformHarnessOptions = {}): Promise<Fault> =>
      catchFault(transform(bytes, recipe, options)),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}

export type TransformHarness = Awaited<ReturnType<typeof openTransformHarness>>

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
import type { TransformNote } from '../kinds/transform/transform-input.ts'
import { readNotedOutput } from './read-noted-output.ts'

export interface TransformHarnessOptions {
  readonly format?: FormatId
  readonly maxPixels?: number
  /** Whether decoding and encoding are separate pipelines, in tests of both ways. */
  readonly inStages?: boolean
  /** Instead of `inStages`: the limit of a stage that is noted with the next one, in milliseconds. */
  readonly shortStageMs?: number
}

/** Runs the transform worker in this process. */
export async function openTransformHarness() {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-transform-harness-'))
  await transformWorker.warmUp()

  async function transform(bytes: Uint8Array, recipe: unknown, options: TransformHarnessOptions = {}) {
    const folder = await mkdtemp(join(home, 'task-'))
    const source = { path: join(folder, 'source') }
    await Bun.write(source.path, bytes)
    const parsed = parseRecipe(recipe)
    const outputs = outputNames(parsed)
    const notes: TransformNote[] = []
    const { format = sniffFormat(bytes), maxPixels = 1e8, inStages = true } = options
    const input = {
      source,
      format,
      recipe: parsed,
      outputs,
      folder,
      shortStageMs: inStages ? 0 : null,
      maxPixels,
    }
    // The test decodes the results in the same process.
    await transformWorker
      .run(input, (note) => notes.push(note as TransformNote))
      .finally(() => allowDecoders(formatIds))
    const fileOf = (index: number) => readNotedOutput(folder, index, notes)
    const files = await Promise.all(outputs.map((_, index) => fileOf(index)))
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

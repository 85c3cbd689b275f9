import { basename, extname } from 'node:path'
import { chooseOutputFormat, formats, type WritableFormatId } from '@pixelflow/core/format'
import type { Lane } from '@pixelflow/core/job'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { FileJob } from '../client/process-file.ts'
import { findFormat, readRecipe, withFormat } from '../client/recipe.ts'
import type { SourceFile } from '../client/source-file.ts'
import { readSteps, appendSteps } from '../client/steps.ts'
import { parseOutputTarget, type OutputTarget } from '../client/output-target.ts'
import type { ServerFlags } from './server-flags.ts'

/** Options of `process`. */
export interface ProcessCommandOptions extends ServerFlags {
  readonly recipe?: string
  readonly output?: string
  readonly force?: boolean
  readonly steps?: string
  readonly tune?: string
  readonly preview?: string
  readonly lane?: Lane
}

/** How each image is processed. */
export interface ProcessPlan {
  /** The recipe of the options. */
  readonly plain: Recipe
  /** Names of its outputs. */
  readonly names: readonly string[]
  /** Adds the format of the result's file extension to a recipe. */
  finish(recipe: Recipe, target: OutputTarget): Recipe
}

export async function readProcessPlan(
  { recipe: text, steps }: ProcessCommandOptions,
  cwd: string,
): Promise<ProcessPlan> {
  const written = text === undefined ? parseRecipe({ steps: [] }) : await readRecipe(text, cwd)
  const plain = steps === undefined ? written : appendSteps(written, readSteps(steps, '--steps'), '--steps')
  return { plain, names: outputNames(plain), finish: (recipe, { format }) => withFormat(recipe, format) }
}

/**
 * An image and where its results go.
 * @throws CliError `usage` when the results cannot go there.
 */
export function createFileJob(
  source: SourceFile,
  work: ProcessPlan,
  { output, force = false }: ProcessCommandOptions,
  cwd: string,
): FileJob {
  const { name, path } = source
  const job = {
    source,
    target: parseOutputTarget(output, {
      stem: basename(name, extname(name)),
      sourcePath: path,
      names: work.names,
      cwd,
      force,
      extensionChoosesFormat: true,
    }),
  }
  // Reading the paths refuses results that would overwrite the source, before any work.
  listResultPaths(job, work)
  return job
}

/** Absolute paths that the results will have, as far as the format is known before the work. */
export function listResultPaths(
  { source, target }: FileJob,
  { plain, names, finish }: ProcessPlan,
): readonly string[] {
  const recipe = finish(plain, target)
  return names.map((name) =>
    target.pathOf({ name, format: findFormat(recipe, name) ?? defaultFormat(source) }),
  )
}

/** Format of a result when neither the recipe nor the file name states one; PNG when the source format is unknown. */
function defaultFormat({ mediaType }: SourceFile): WritableFormatId {
  return chooseOutputFormat(formats.find((one) => one.mediaType === mediaType)?.id ?? 'png')
}

import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { Lane } from '@pixelflow/core/job'
import type { FileJob } from '../client/process-file.ts'
import { readRecipe, writtenAs } from '../client/recipe.ts'
import type { Source } from '../client/source.ts'
import { readSteps, withSteps } from '../client/steps.ts'
import { readTarget, type Target } from '../client/target.ts'
import type { ClientOptions } from './shared.ts'

/** Options of `process`. */
export interface ProcessOptions extends ClientOptions {
  readonly recipe?: string
  readonly output?: string
  readonly force?: boolean
  readonly filters?: string
  readonly tune?: string
  readonly preview?: string
  readonly lane?: Lane
}

/** What is done to each picture. */
export async function readWork({ recipe: text, filters }: ProcessOptions, cwd: string) {
  const written = text === undefined ? parseRecipe({ steps: [] }) : await readRecipe(text, cwd)
  const plain =
    filters === undefined ? written : withSteps(written, readSteps(filters, '--filters'), '--filters')
  const names = outputNames(plain)
  const finish = (recipe: Recipe, { format }: Target) =>
    names.length === 1 ? writtenAs(recipe, format) : recipe
  return { plain, names, finish }
}

/**
 * A picture and where its results go.
 * @throws Exit `usage` when the results cannot go there.
 */
export function jobOf(
  source: Source,
  names: readonly string[],
  { output, force = false }: ProcessOptions,
  cwd: string,
): FileJob {
  return { source, target: readTarget(output, { source, names, cwd, force }) }
}

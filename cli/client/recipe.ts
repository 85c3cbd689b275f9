import { resolve } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { CliError } from '../cli-error.ts'

/**
 * Parses `-r`: the short text form, JSON, or `@` and the name of a file with either.
 *
 * @throws CliError `usage` that names the step and the parameter.
 */
export async function readRecipe(argument: string, cwd: string): Promise<Recipe> {
  const text = argument.startsWith('@') ? await readFile(argument.slice(1), cwd) : argument
  return parse(text.trim().startsWith('{') ? json(text) : text.trim())
}

type Steps = readonly { readonly op: string; readonly type?: unknown }[]

/**
 * Adds a format to each output whose steps state none. `undefined` changes nothing.
 */
export function withFormat(recipe: Recipe, format: WritableFormatId | undefined): Recipe {
  if (format === undefined) return recipe
  const { outputs } = recipe
  if (outputs === undefined) return parse({ ...recipe, steps: formatted(recipe.steps, format) })
  return parse({
    ...recipe,
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => [
        name,
        { ...output, steps: formatted(output.steps, format) },
      ]),
    ),
  })
}

/** The format that the steps of an output state; undefined when the source decides it. */
export function findFormat(recipe: Recipe, output: string): WritableFormatId | undefined {
  const last: Steps[number] | undefined = (recipe.outputs?.[output]?.steps ?? recipe.steps).at(-1)
  return last?.op === 'format' ? (last.type as WritableFormatId | undefined) : undefined
}

function formatted(steps: Steps, type: WritableFormatId): Steps {
  const last = steps.at(-1)
  if (last?.op !== 'format') return [...steps, { op: 'format', type }]
  return last.type === undefined ? [...steps.slice(0, -1), { ...last, type }] : steps
}

function parse(input: unknown): Recipe {
  try {
    return parseRecipe(input)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { field, remedy } = error.hints
    throw new CliError('usage', error.message, {
      field,
      remedy: remedy ?? 'Write the recipe as resize:800/format:webp.',
    })
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CliError('usage', `The recipe is not valid JSON: ${(error as Error).message}.`, {
      field: '--recipe',
      remedy: 'Write the short form, for example resize:800/format:webp, or correct the JSON.',
    })
  }
}

async function readFile(name: string, cwd: string): Promise<string> {
  try {
    return await Bun.file(resolve(cwd, name)).text()
  } catch (error) {
    throw new CliError(
      'usage',
      `The recipe file ${name} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      {
        field: '--recipe',
        remedy: 'Give an existing file, relative to the current folder: -r @recipes/thumbnail.json.',
        cause: error,
      },
    )
  }
}

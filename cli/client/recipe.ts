import { resolve } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { Exit } from '../exit.ts'

/**
 * Understands `-r`: the short text form, JSON, or `@` and the name of a file that holds either.
 *
 * @throws Exit `usage` that names the step and the parameter, before anything is sent.
 */
export async function readRecipe(argument: string, cwd: string): Promise<Recipe> {
  const text = argument.startsWith('@') ? await readFile(argument.slice(1), cwd) : argument
  return parse(text.trim().startsWith('{') ? json(text) : text.trim())
}

/**
 * The recipe with the format that the name of the result asks for, unless it names one itself. `undefined` asks for
 * nothing. Only for recipes of one output.
 */
export function writtenAs(recipe: Recipe, format: WritableFormatId | undefined): Recipe {
  if (format === undefined) return recipe
  const branches = Object.entries(recipe.outputs ?? {})
  const only = branches.length === 1 ? branches[0] : undefined
  const steps: readonly { op: string; type?: unknown }[] = only ? only[1].steps : recipe.steps
  const last = steps.at(-1)
  if (last?.op === 'format' && last.type !== undefined) return recipe
  const rest = last?.op === 'format' ? steps.slice(0, -1) : steps
  const formatted = [...rest, { ...(last?.op === 'format' ? last : {}), op: 'format', type: format }]
  return parse(
    only
      ? { ...recipe, outputs: { [only[0]]: { ...only[1], steps: formatted } } }
      : { ...recipe, steps: formatted },
  )
}

function parse(input: unknown): Recipe {
  try {
    return parseRecipe(input)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { field, remedy } = error.place
    throw new Exit('usage', error.message, {
      ...(field === undefined ? {} : { field }),
      ...(remedy === undefined ? {} : { remedy }),
    })
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Exit('usage', `The recipe is not valid JSON: ${(error as Error).message}.`, {
      field: '--recipe',
      remedy: 'Write the short form, for example resize:800/format:webp, or correct the JSON.',
    })
  }
}

async function readFile(name: string, cwd: string): Promise<string> {
  try {
    return await Bun.file(resolve(cwd, name)).text()
  } catch (error) {
    throw new Exit('usage', `The recipe file ${name} cannot be read.`, { field: '--recipe', cause: error })
  }
}

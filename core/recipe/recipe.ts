import { catalogue, type Step } from '../operations/index.ts'
import type { RecipeOf } from './create-catalogue.ts'
import { parseWith } from './parse-with.ts'

export { outputNames } from './output-names.ts'

/**
 * Canonical JSON form of a recipe: `{steps: [{op, …}], outputs?: {name: {steps}}}`. The shared steps come first, then
 * those of each output; at most 32 steps per output and 16 outputs. Parsing fills in every default, so that a stored
 * recipe keeps its meaning when a default changes.
 */
export const recipe = catalogue.recipe
export type Recipe = RecipeOf<Step>

/**
 * Parses a recipe: text is the short form (`resize:800/format:webp`), an object the JSON form.
 * @throws Fault `invalid_recipe`; its field is like `steps[1].sigma`, for text too.
 */
export function parseRecipe(input: unknown): Recipe {
  return parseWith(input, catalogue)
}

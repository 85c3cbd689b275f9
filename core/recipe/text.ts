import { catalogue } from '../operations/index.ts'
import { parseWith } from './parse-with.ts'
import type { Recipe } from './recipe.ts'
import { writeText } from './write-text.ts'

/**
 * A recipe from its short text form, e.g. `resize:800x600:cover/blur:3/format:webp`.
 * @throws Fault `invalid_recipe`
 */
export function parseText(text: string): Recipe {
  return parseWith(text, catalogue)
}

/** The short text form, which parses to exactly this recipe; null if it has named outputs. */
export function printText(recipe: Recipe): string | null {
  return writeText(recipe, catalogue)
}

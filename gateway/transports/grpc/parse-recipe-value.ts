import type { Value } from '@bufbuild/protobuf/wkt'
import { Fault } from '@pixelflow/core/fault'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { plainValue } from './plain-value.ts'

/** Parses a recipe in text form or as a struct. @throws Fault `invalid_recipe`. */
export function parseRecipeValue(value: Value | undefined): Recipe {
  if (value !== undefined && value.kind.case !== undefined) return parseRecipe(plainValue(value))
  throw new Fault('invalid_recipe', 'The recipe is missing.', {
    field: 'recipe',
    remedy: 'Send a recipe in text form, such as "resize:800/format:webp", or as a struct.',
  })
}

import type { Value } from '@bufbuild/protobuf/wkt'
import { missingRecipe } from '@pixelflow/core/recipe/missing-recipe'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { plainValue } from './plain-value.ts'

/** Parses a recipe in text form or as a struct. @throws Fault `invalid_recipe`. */
export function parseRecipeValue(value: Value | undefined): Recipe {
  if (value === undefined || value.kind.case === undefined) throw missingRecipe()
  return parseRecipe(plainValue(value))
}

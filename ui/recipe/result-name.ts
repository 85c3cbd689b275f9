import { defaultOutput, type FormatId } from '@pixelflow/core/format'
import { plan } from '@pixelflow/core/recipe/plan'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { resultFileName } from '../text/names.ts'

/** What a recipe's first result would be called, saved beside its source. */
export function plannedFileName(recipe: unknown, fileName: string, source: FormatId): string {
  const [first] = plan(parseRecipe(recipe)).outputs
  const name = first?.name ?? 'default'
  return resultFileName(fileName, { name, format: first?.format.type ?? defaultOutput(source) })
}

import { defaultOutputFormat, type FormatId } from '@pixelflow/core/format'
import { plan } from '@pixelflow/core/recipe/plan'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { resultFileName } from '../text/names.ts'

/** File name of a recipe's result, derived from the source's; for several outputs, the command line's name pattern. */
export function plannedFileName(recipe: unknown, fileName: string, source: FormatId): string {
  const [first, second] = plan(parseRecipe(recipe)).outputs
  if (second !== undefined) return '{stem}.{name}.{ext}'
  const name = first?.name ?? 'default'
  return resultFileName(fileName, { name, format: first?.format.type ?? defaultOutputFormat(source) })
}

import { chooseOutputFormat, type FormatId } from '@pixelflow/core/format'
import { listBranches } from '@pixelflow/core/recipe/list-branches'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { nameResultFile } from '../text/name-result-file.ts'

/** File name of a recipe's result, derived from the source's; for several outputs, the command line's name pattern. */
export function predictFileName(recipe: Recipe, fileName: string, source: FormatId): string {
  const [first, second] = listBranches(recipe)
  if (second !== undefined) return '{stem}.{name}.{ext}'
  const steps = first?.steps.map(({ step }) => step) ?? []
  const formatStep = steps.find((step) => step.op === 'format')
  return nameResultFile(fileName, {
    name: first?.name ?? 'default',
    format: formatStep?.type ?? chooseOutputFormat(source),
  })
}

import { Fault } from '@pixelflow/core/fault'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { CliError } from '../cli-error.ts'

type Step = Readonly<Record<string, unknown>> & { readonly op: string }

/**
 * Parses steps of the form `blur:2,grayscale`, each in the short text form.
 * @throws CliError `usage` that names the option and the step.
 */
export function readSteps(text: string, field: string): readonly Step[] {
  const parts = text.split(',').map((part) => part.trim())
  return withOptionName(field, () => parseRecipe(parts.join('/')).steps)
}

/** Adds steps after the shared steps of a recipe, but before its format. */
export function appendSteps(recipe: Recipe, added: readonly Step[], field: string): Recipe {
  const steps: readonly Step[] = recipe.steps
  const last = steps.at(-1)
  const end = last?.op === 'format' ? [last] : []
  // An added format replaces that of the recipe.
  const kept = added.some(({ op }) => op === 'format') ? [] : end
  const all = [...steps.slice(0, steps.length - end.length), ...added, ...kept]
  return withOptionName(field, () => parseRecipe({ ...recipe, steps: all }))
}

/** Replaces the first step of the same operation, or adds the step if there is none. */
export function replaceStep(recipe: Recipe, step: Step, field: string): Recipe {
  const steps: readonly Step[] = recipe.steps
  const at = steps.findIndex(({ op }) => op === step.op)
  if (at < 0) return appendSteps(recipe, [step], field)
  return withOptionName(field, () => parseRecipe({ ...recipe, steps: steps.with(at, step) }))
}

function withOptionName<T>(option: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { field, remedy } = error.hints
    throw new CliError('usage', error.message, {
      field: field === undefined ? option : `${option} ${field}`,
      remedy: remedy ?? 'Write the steps as blur:2,grayscale.',
    })
  }
}

import type { Fault } from '../fault.ts'
import { requireBounded } from '../json-bounds.ts'
import type { Operation, StepOf } from './operation.ts'
import { findFirstIssue } from '../validation/find-first-issue.ts'
import { valueAt } from '../validation/json-schema.ts'
import { formatField } from '../validation/format-field.ts'
import type { Catalogue, RecipeOf } from './create-catalogue.ts'
import { recipeFault, invalidRecipe } from './recipe-fault.ts'
import { readText } from './read-text.ts'

/**
 * Parses a recipe in JSON or text form, checks it against a catalogue and fills in every default.
 * @throws Fault `invalid_recipe` that names the step and the parameter.
 */
export function parseWith<Op extends Operation>(
  input: unknown,
  catalogue: Catalogue<Op>,
): RecipeOf<StepOf<Op>> {
  if (typeof input === 'string') {
    const { steps, fault } = readText(input, catalogue)
    if (fault) throw faultBefore(steps, catalogue) ?? fault
    return parseWith({ steps }, catalogue)
  }
  requireBounded(input, 'invalid_recipe')
  const hidden = pathOfHiddenKey(input)
  if (hidden) throw invalidRecipe(`the key ${hiddenKey} is not allowed.`, formatField(hidden), 'Remove it.')
  const parsed = catalogue.recipe.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = findFirstIssue(parsed.error.issues, input)
  if (issue === undefined) throw parsed.error
  throw recipeFault(issue, input, catalogue)
}

/** The fault of an earlier step, or of an earlier value of the step whose text has a mistake; undefined without one. */
function faultBefore(steps: readonly unknown[], catalogue: Catalogue): Fault | undefined {
  const raw = { steps }
  const issue = catalogue.recipe.safeParse(raw).error?.issues.find(({ path }) => {
    const isEarlierStep = Number(path[1]) < steps.length - 1
    return isEarlierStep || (path.length > 2 && valueAt(raw, path) !== undefined)
  })
  return issue && recipeFault(issue, raw, catalogue)
}

/** zod ignores this key silently, and unknown keys must be rejected. */
const hiddenKey = '__proto__'
/** Depth of a recipe: `outputs`, a name, `steps`, an index, a parameter. */
const levels = 5

function pathOfHiddenKey(value: unknown, depth = 0): (string | number)[] | undefined {
  if (typeof value !== 'object' || value === null || depth > levels) return undefined
  if (Object.hasOwn(value, hiddenKey)) return [hiddenKey]
  for (const [key, inner] of Object.entries(value)) {
    const path = pathOfHiddenKey(inner, depth + 1)
    if (path) return [Array.isArray(value) ? Number(key) : key, ...path]
  }
  return undefined
}

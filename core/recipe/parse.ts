import type { Operation, StepOf } from '../operations/operation.ts'
import type { Catalogue, RecipeOf } from './catalogue.ts'
import { explain } from './explain.ts'
import { readText } from './read-text.ts'

/**
 * A recipe in either form, checked against a catalogue, every default filled in.
 * @throws Fault `invalid_recipe` that names step and parameter.
 */
export function parseWith<Op extends Operation>(
  input: unknown,
  catalogue: Catalogue<Op>,
): RecipeOf<StepOf<Op>> {
  const raw = typeof input === 'string' ? readText(input, catalogue) : input
  const parsed = catalogue.recipe.safeParse(raw)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue === undefined) throw parsed.error
  throw explain(issue, raw, catalogue)
}

import { Fault } from '../fault.ts'
import { shorten } from '../shorten.ts'
import { outputNames, type Recipe } from './recipe.ts'

/**
 * The fault of a request for an output that the recipe does not have.
 * @param code in a tuning session `invalid_recipe`, because `invalid_request` ends the session
 */
export function unknownOutput(
  recipe: Recipe,
  requested: string,
  code: 'invalid_recipe' | 'invalid_request',
): Fault {
  const names = outputNames(recipe)
  return new Fault(code, `The recipe has no output "${shorten(requested)}".`, {
    field: 'output',
    remedy: `Set output to ${names.length === 1 ? '' : 'one of '}${names.join(', ')}.`,
  })
}

import { Fault } from '../fault.ts'
import { shorten } from '../shorten.ts'
import { outputNames, type Recipe } from './recipe.ts'

/** The fault of a request for an output that the recipe does not have. */
export function unknownOutput(recipe: Recipe, requested: string): Fault {
  const names = outputNames(recipe)
  return new Fault('invalid_recipe', `The recipe has no output "${shorten(requested)}".`, {
    field: 'output',
    remedy: `Set output to ${names.length === 1 ? '' : 'one of '}${names.join(', ')}.`,
  })
}

import { Fault } from '../fault.ts'
import { shorten } from '../shorten.ts'
import { outputNames, type Recipe } from './recipe.ts'

/** The fault of a request for an output that the recipe does not have. */
export function unknownOutput(recipe: Recipe, requested: string): Fault {
  return new Fault('invalid_recipe', `The recipe has no output "${shorten(requested)}".`, {
    field: 'output',
    remedy: `Request one of: ${outputNames(recipe).join(', ')}.`,
  })
}

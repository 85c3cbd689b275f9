import type { Recipe } from './recipe.ts'

/** The form of the name of an output. */
export const outputNamePattern = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** The name of the output of a recipe without named outputs. */
export const defaultOutputName = 'default'

/** Names of the outputs of a recipe; `['default']` if it names none. Needs no schema, so the page has it before the parser. */
export function outputNames({ outputs }: Pick<Recipe, 'outputs'>): string[] {
  return outputs === undefined ? [defaultOutputName] : Object.keys(outputs)
}

import type * as parser from './recipe-parser.ts'

export type RecipeParser = typeof parser

/** Loads the script of the parser. @throws TypeError when the server does not send it. */
export function loadRecipeParser(): Promise<RecipeParser> {
  return import('./recipe-parser.ts')
}

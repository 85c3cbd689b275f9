export type RecipeParser = typeof import('./recipe-parser.ts')

/** Loads the script of the parser. @throws TypeError when the server does not send it. */
export function loadRecipeParser(): Promise<RecipeParser> {
  return import('./recipe-parser.ts')
}

import '../no-eval.ts'

/**
 * The parser of recipes: the server's own, with the schemas of all operations and zod. It is more than half of the page's
 * code, and the page is drawn without it, so it is a script of its own.
 */
export { parseRecipe } from '@pixelflow/core/recipe/recipe'
export { printText } from '@pixelflow/core/recipe/text'

import { expect, test } from 'bun:test'
import { initialRecipe } from './initial-recipe.ts'
import { parseRecipe } from './recipe-parser.ts'

test('both forms of the initial recipe are the same recipe', () => {
  const { text, steps } = initialRecipe
  expect(parseRecipe({ steps })).toEqual(parseRecipe(text))
})

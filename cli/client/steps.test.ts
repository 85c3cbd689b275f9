import { expect, test } from 'bun:test'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { printText } from '@pixelflow/core/recipe/text'
import { readSteps, replaceStep, appendSteps } from './steps.ts'

const added = (recipe: string, text: string) =>
  printText(appendSteps(parseRecipe(recipe), readSteps(text, '--steps'), '--steps'))
const tuned = (recipe: string, text: string) =>
  readSteps(text, '--tune').reduce((done, step) => replaceStep(done, step, '--tune'), parseRecipe(recipe))

test('added steps keep their order, before the format', () => {
  expect(added('', 'blur:2, grayscale')).toBe(printText(parseRecipe('blur:2/grayscale')))
  expect(added('resize:300/format:webp', 'blur:2')).toBe(
    printText(parseRecipe('resize:300/blur:2/format:webp')),
  )
  expect(added('resize:300/format:webp', 'blur:2,format:png')).toBe(
    printText(parseRecipe('resize:300/blur:2/format:png')),
  )
})

test('a tuned step replaces the step of the same operation', () => {
  expect(tuned('resize:300/blur:2', 'blur:5,grayscale,resize:100')).toEqual(
    parseRecipe('resize:100/blur:5/grayscale'),
  )
  expect(tuned('format:webp', 'blur:5')).toEqual(parseRecipe('blur:5/format:webp'))
})

test.each(['edgy:1', 'blur:none', 'blur,,flip'])('%p is refused with the option and the step', (text) => {
  expect(() => added('', text)).toThrow(
    expect.objectContaining({ code: 2, field: expect.stringMatching(/^--steps steps\[\d\]/) }),
  )
})

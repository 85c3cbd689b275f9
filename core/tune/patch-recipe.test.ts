import { expect, test } from 'bun:test'
import { Fault } from '../fault.ts'
import { parseRecipe } from '../recipe/recipe.ts'
import { patchRecipe } from './patch-recipe.ts'

const soft = parseRecipe('resize:800/blur:3')

test('changes single parameters and keeps the others', () => {
  const after = patchRecipe(soft, { 'steps[1].sigma': 4.5, 'steps[0].width': 300 })
  expect(after).toEqual(parseRecipe('resize:300/blur:4.5'))
  expect(soft).toEqual(parseRecipe('resize:800/blur:3'))
})

test('null restores the default, or removes a parameter without one', () => {
  expect(patchRecipe(parseRecipe('blur:9'), { 'steps[0].sigma': null })).toEqual(parseRecipe('blur'))
  const flat = patchRecipe(parseRecipe('resize:800x600'), { 'steps[0].height': null })
  expect(flat).toEqual(parseRecipe('resize:800'))
})

test('changes parameters of outputs', () => {
  const two = parseRecipe({ steps: [], outputs: { a: { steps: [] }, b: { steps: [{ op: 'blur' }] } } })
  const after = patchRecipe(two, { 'outputs.b.steps[0].sigma': 7 })
  expect(after.outputs?.['b']?.steps).toEqual([{ op: 'blur', sigma: 7 }])
  expect(after.outputs?.['a']).toEqual({ steps: [] })
})

test.each([
  ['steps[1].sigma', 0, 'steps[1].sigma'],
  ['steps[1].sigma', 'much', 'steps[1].sigma'],
  ['steps[1].sigma', [1], 'steps[1].sigma'],
  ['steps[1].sigma', { a: 1 }, 'steps[1].sigma'],
  ['steps[1].strength', 1, 'steps[1].strength'],
  ['steps[7].sigma', 1, 'steps[7].sigma'],
  ['steps[1].op', 'flip', 'steps[1].op'],
  ['outputs.none.steps[0].sigma', 1, 'outputs.none.steps[0].sigma'],
  ['steps[0].__proto__', 1, 'steps[0].__proto__'],
  ['sigma', 1, 'sigma'],
  ['steps[0].width', null, 'steps[0].width'],
])('%s = %p is rejected with the field', (field, value, named) => {
  const thrown = (() => {
    try {
      return patchRecipe(soft, { [field]: value })
    } catch (error) {
      return error
    }
  })()
  expect(thrown).toBeInstanceOf(Fault)
  expect((thrown as Fault).report()).toMatchObject({ code: 'invalid_recipe', field: named })
})

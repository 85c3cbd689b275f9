import { expect, test } from 'bun:test'
import { parseStepPath } from './parse-step-path.ts'

test.each([
  ['steps[0]', { output: null, index: 0 }],
  ['recipe.steps[12].width', { output: null, index: 12, parameter: 'width' }],
  ['outputs.thumb.steps[1].region.left', { output: 'thumb', index: 1, parameter: 'region.left' }],
  ['outputs["2x"].steps[0]', { output: '2x', index: 0 }],
])('%s is the path of a step', (field, place) => {
  expect(parseStepPath(field)).toEqual({ parameter: undefined, ...place })
})

test.each(['', 'steps', 'outputs.thumb', 'image', 'steps[x].width', 'steps[0]width'])(
  '"%s" is not',
  (field) => {
    expect(parseStepPath(field)).toBeUndefined()
  },
)

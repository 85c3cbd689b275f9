import { expect, test } from 'bun:test'
import { clientMessage } from './client-message.ts'

const image = '01890a5d-ac96-774b-bcce-b302099a8057'

test('an opening has default preview options', () => {
  expect(clientMessage.parse({ type: 'open', image, recipe: 'blur' })).toEqual({
    type: 'open',
    image,
    recipe: 'blur',
    preview: { maxPixels: 1_048_576, quality: 80 },
  })
})

test.each([
  { type: 'change', sequence: 1, recipe: 'blur:4' },
  { type: 'change', sequence: 1, recipe: { steps: [] } },
  { type: 'change', sequence: 2, set: { 'steps[0].sigma': 4, 'steps[0].x': null, 'steps[1].fit': 'cover' } },
  { type: 'change', sequence: 2, output: 'thumb' },
  { type: 'apply' },
  { type: 'apply', sequence: 0 },
])('%j is a valid message', (message) => {
  expect(clientMessage.safeParse(message).success).toBe(true)
})

test.each([
  { type: 'change', sequence: 1 },
  { type: 'change', sequence: 0, recipe: 'blur' },
  { type: 'change', sequence: 1.5, recipe: 'blur' },
  { type: 'change', recipe: 'blur' },
  { type: 'change', sequence: 1, recipe: 'blur', set: {} },
  { type: 'change', sequence: 1, set: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, 1])) },
  { type: 'open', recipe: 'blur' },
  { type: 'open', image, recipe: 'blur', preview: { maxPixels: 1e9 } },
  { type: 'open', image, recipe: 'blur', preview: { format: 'avif' } },
  { type: 'open', image, recipe: 'blur', account: 'ann' },
  { type: 'opened' },
  'open',
])('%j is not a valid message', (message) => {
  expect(clientMessage.safeParse(message).success).toBe(false)
})

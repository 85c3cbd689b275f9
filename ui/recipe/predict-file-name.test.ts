import { expect, test } from 'bun:test'
import { predictFileName } from './predict-file-name.ts'
import { parseRecipe } from './recipe-parser.ts'

test.each([
  ['the format of the last step', { steps: [{ op: 'format', type: 'webp' }] }, 'photo.webp'],
  ['the format of the source', { steps: [{ op: 'format', quality: 50 }] }, 'photo.out.jpg'],
  [
    'the name of its only output',
    { steps: [], outputs: { thumb: { steps: [{ op: 'format', type: 'avif' }] } } },
    'photo.thumb.avif',
  ],
  [
    'a pattern for several outputs',
    { steps: [], outputs: { a: { steps: [] }, b: { steps: [] } } },
    '{stem}.{name}.{ext}',
  ],
])('a result is named after %s', (_, recipe, name) => {
  expect(predictFileName(parseRecipe(recipe), 'photo.jpg', 'jpeg')).toBe(name)
})

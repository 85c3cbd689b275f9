import { expect, test } from 'bun:test'
import { findNearestWord } from './find-nearest-word.ts'

const names = ['resize', 'crop', 'rotate', 'flip', 'flop', 'grayscale', 'format']

test.each([
  ['resise', 'resize'],
  ['rezise', 'resize'],
  ['CROP', 'crop'],
  ['greyscale', 'grayscale'],
  ['gray', 'grayscale'],
  ['formatt', 'format'],
  ['flipp', 'flip'],
])('%s is nearest to %s', (typed, meant) => {
  expect(findNearestWord(typed, names)).toBe(meant)
})

test.each(['', 'x', 'watermark', 'f', 'r'.repeat(100_000)])('%.10s has no near candidate', (typed) => {
  expect(findNearestWord(typed, names)).toBeUndefined()
})

import { expect, test } from 'bun:test'
import { estimateMemory } from './estimate-memory.ts'

const MiB = 2 ** 20

test('the estimate follows the number of pixels, and the file size where that is unknown', () => {
  expect(estimateMemory({ bytes: 3e6, width: 4000, height: 3000 })).toBe(96 * MiB + 144e6)
  expect(estimateMemory({ bytes: 3e6, width: null, height: null })).toBe(96 * MiB + 144e6)
  expect(estimateMemory({ bytes: 1000 })).toBeLessThan(97 * MiB)
})

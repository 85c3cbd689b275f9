import { expect, test } from 'bun:test'
import { backoffMs } from './backoff.ts'

test('doubles up to half a minute, with a random half', () => {
  expect([1, 2, 3, 7, 8, 50].map((tries) => backoffMs(tries, () => 1))).toEqual([
    500, 1000, 2000, 30_000, 30_000, 30_000,
  ])
  expect(backoffMs(1, () => 0)).toBe(250)
  expect(backoffMs(0, () => 1)).toBe(500)
})

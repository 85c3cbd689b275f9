import { expect, test } from 'bun:test'
import { backoffMs } from './backoff.ts'

const withoutJitter = () => 1

test('the pause doubles up to 30 seconds, and its second half is random', () => {
  expect([1, 2, 3, 7, 8, 50].map((failures) => backoffMs(failures, { random: withoutJitter }))).toEqual([
    500, 1000, 2000, 30_000, 30_000, 30_000,
  ])
  expect(backoffMs(1, { random: () => 0 })).toBe(250)
  expect(backoffMs(0, { random: withoutJitter })).toBe(500)
})

test('the initial and the longest pause are configurable', () => {
  const pauses = [1, 2, 9].map((failures) =>
    backoffMs(failures, { initialMs: 50, maxMs: 1000, random: withoutJitter }),
  )
  expect(pauses).toEqual([50, 100, 1000])
})

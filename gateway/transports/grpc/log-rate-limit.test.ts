import { expect, test } from 'bun:test'
import { createLogRateLimit, maxLinesPerSecond } from './log-rate-limit.ts'

test('lines above the limit of a second are suppressed and reported at its end', () => {
  const reports: number[] = []
  const ends: (() => void)[] = []
  const limit = createLogRateLimit(
    (suppressed) => reports.push(suppressed),
    (end) => ends.push(end),
  )
  const taken = Array.from({ length: maxLinesPerSecond + 7 }, () => limit.take())
  expect(taken.filter(Boolean)).toHaveLength(maxLinesPerSecond)
  ends.shift()?.()
  expect(reports).toEqual([7])
  expect(limit.take()).toBe(true)
  ends.shift()?.()
  expect([reports, ends]).toEqual([[7], []])
})

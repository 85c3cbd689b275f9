import { expect, test } from 'bun:test'
import { createHistogram } from './histogram.ts'

test('quantiles are exact to two percent', () => {
  const histogram = createHistogram()
  for (let ms = 1; ms <= 10_000; ms += 1) histogram.add(ms)
  expect([histogram.count, histogram.max]).toEqual([10_000, 10_000])
  for (const ratio of [0.001, 0.5, 0.95, 0.99]) {
    const exact = ratio * 10_000
    expect(histogram.quantile(ratio)).toBeGreaterThanOrEqual(exact)
    expect(histogram.quantile(ratio)).toBeLessThanOrEqual(exact * 1.02)
  }
  expect(histogram.quantile(1)).toBe(10_000)
})

test('durations of zero are counted, and no sample gives zero', () => {
  const histogram = createHistogram()
  expect(histogram.quantile(0.5)).toBe(0)
  histogram.add(0)
  expect([histogram.quantile(0.99), histogram.max]).toEqual([0, 0])
})

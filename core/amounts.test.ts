import { expect, test } from 'bun:test'
import { size, span } from './amounts.ts'

test('formats sizes in decimal units', () => {
  const bytes = [0, 999, 1000, 9949, 43_100, 99_960, 999_600, 2_400_000, 123_456_789, 2e9]
  expect(bytes.map((one) => size(one))).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '43.1 kB',
    '100 kB',
    '1.0 MB',
    '2.4 MB',
    '123 MB',
    '2.0 GB',
  ])
  expect(size(1500, '_')).toBe('1.5_kB')
})

test('formats durations', () => {
  const spans = [-3, 0.4, 84.4, 999.6, 1340, 59_949, 59_950, 200_000]
  expect(spans.map((one) => span(one))).toEqual([
    '0 ms',
    '0 ms',
    '84 ms',
    '1.0 s',
    '1.3 s',
    '59.9 s',
    '1 min 0 s',
    '3 min 20 s',
  ])
})

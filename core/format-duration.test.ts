import { expect, test } from 'bun:test'
import { formatDuration } from './format-duration.ts'

test('formats durations', () => {
  const durations = [-3, 0.4, 84.4, 999.6, 1340, 59_949, 59_950, 200_000]
  expect(durations.map((one) => formatDuration(one))).toEqual([
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

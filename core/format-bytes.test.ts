import { expect, test } from 'bun:test'
import { formatBytes } from './format-bytes.ts'

test('formats sizes in decimal units', () => {
  const bytes = [0, 999, 1000, 9949, 43_100, 99_960, 999_600, 2_400_000, 123_456_789, 2e9]
  expect(bytes.map((one) => formatBytes(one))).toEqual([
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
  expect(formatBytes(1500, '_')).toBe('1.5_kB')
})

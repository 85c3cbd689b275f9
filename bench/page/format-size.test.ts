import { expect, test } from 'bun:test'
import { formatSize } from './format-size.ts'

test('sizes are written as people do', () => {
  expect(formatSize(100_000, 'tasks')).toBe('100,000')
  expect([512, 1000, 64_000, 32e6, 1e9, 4e12].map((bytes) => formatSize(bytes, 'bytes'))).toEqual([
    '512 B',
    '1 kB',
    '64 kB',
    '32 MB',
    '1 GB',
    '4000 GB',
  ])
})

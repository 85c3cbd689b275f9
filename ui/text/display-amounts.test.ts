import { expect, test } from 'bun:test'
import { displayBytes, displayByteLimit } from './display-bytes.ts'
import { displayMegapixels } from './display-megapixels.ts'
import { displayAge } from './display-age.ts'
import { displayPercent } from './display-percent.ts'
import { displayDuration } from './display-duration.ts'

/** Replaces the no-break space before units by a plain space, for readable expectations. */
const plain = (text: string) => text.replaceAll('\u00A0', ' ')

test('numbers are joined to their units by a no-break space', () => {
  expect([displayBytes(3_100_000), displayDuration(125_000)]).toEqual(['3.1\u00A0MB', '2\u00A0min 5\u00A0s'])
})

test('limits', () => {
  expect([512 * 2 ** 20, 2 * 2 ** 30, 5_000_000].map(displayByteLimit).map(plain)).toEqual([
    '512 MiB',
    '2 GiB',
    '5.0 MB',
  ])
})

test('moments', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  const past = ['2026-11-21T11:59:30Z', '2026-11-21T11:55:00Z', '2026-11-21T09:00:00Z'].map((at) =>
    displayAge(at, now),
  )
  expect(past).toEqual(['just now', '5 min ago', '3 h ago'])
})

test('pixels', () => {
  expect([960_000, 12_200_000, 50_000_000].map(displayMegapixels).map(plain)).toEqual([
    '1.0 MP',
    '12 MP',
    '50 MP',
  ])
})

test('a percentage below 100 is never rounded up to 100', () => {
  expect([0, 720, 989, 996, 999.99, 1000].map((part) => plain(displayPercent(part, 1000)))).toEqual([
    '0 %',
    '72 %',
    '99 %',
    '99.6 %',
    '99.9 %',
    '100 %',
  ])
})

import { expect, test } from 'bun:test'
import { parseRange } from './parse-range.ts'

const ask = (range: string, more: Record<string, string> = {}) =>
  parseRange(new Headers({ range, ...more }), 100, '"tag"')

test.each([
  ['bytes=0-9', { start: 0, end: 9 }],
  ['bytes=90-', { start: 90, end: 99 }],
  ['bytes=90-1000', { start: 90, end: 99 }],
  ['bytes=-10', { start: 90, end: 99 }],
  ['bytes=-1000', { start: 0, end: 99 }],
  ['BYTES= 5-5 ', { start: 5, end: 5 }],
  ['bytes=90-9223372036854775807', { start: 90, end: 99 }],
  ['bytes=99999999999999999999-', 'unsatisfiable'],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=0-1,5-6', 'whole'],
  ['bytes=9-0', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=a-b', 'whole'],
  ['pages=1-2', 'whole'],
] as const)('%s', (header, expected) => expect(ask(header)).toEqual(expected))

test('If-Range with another validator selects the whole content', () => {
  expect(ask('bytes=0-9', { 'if-range': '"tag"' })).toEqual({ start: 0, end: 9 })
  expect(ask('bytes=0-9', { 'if-range': '"other"' })).toBe('whole')
  expect(ask('bytes=0-9', { 'if-range': 'Sat, 21 Nov 2026 13:24:15 GMT' })).toBe('whole')
  expect(parseRange(new Headers(), 100, '"tag"')).toBe('whole')
})

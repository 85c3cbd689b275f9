import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { hashLog, parsePosition, formatPosition } from './position.ts'

test('a position token is parsed to its sequence and mark', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (log, seq) => {
      expect(parsePosition(formatPosition(log, seq))).toEqual({ seq, mark: hashLog(log) })
    }),
  )
})

test('logs created one after another have different marks', () => {
  const made = (n: number) => `2026-11-21T19:30:00.${String(n).padStart(9, '0')}Z`
  const marks = new Set(Array.from({ length: 2000 }, (_, n) => hashLog(made(n))))
  expect(marks.size).toBe(2000)
})

test.each([
  '',
  'x',
  '12',
  '.abc',
  '0.abc',
  '1.',
  '1.abc.d',
  '1.ABC',
  '-1.abc',
  'zzzzzzzzzzz.abc',
  '1.abcdefgh',
  '１.abc',
])('%p is not a position', (token) => {
  expect(parsePosition(token)).toBeUndefined()
})

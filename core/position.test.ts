import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { hashLogId, parsePosition, formatPosition } from './position.ts'

test('a position token is parsed to its sequence and the hash of its log', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (logId, seq) => {
      expect(parsePosition(formatPosition(logId, seq))).toEqual({ seq, logHash: hashLogId(logId) })
    }),
  )
})

test('logs created one after another have different hashes', () => {
  const made = (n: number) => `2026-11-21T19:30:00.${String(n).padStart(9, '0')}Z`
  const hashes = new Set(Array.from({ length: 2000 }, (_, n) => hashLogId(made(n))))
  expect(hashes.size).toBe(2000)
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

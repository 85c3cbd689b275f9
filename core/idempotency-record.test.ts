import { expect, test } from 'bun:test'
import { idempotencyRecord } from './idempotency-record.ts'

const ids = { image: '01936f2e-7c5e-7abc-9def-0123456789ab', task: '01936f2e-7c5e-7abc-9def-0123456789ac' }
const image = {
  id: ids.image,
  account: 'local',
  sha256: 'a'.repeat(64),
  bytes: 1,
  format: 'png',
  width: 1,
  height: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
}

test('a record of an earlier version is read under the current field names', () => {
  const rest = { state: 'done', ...ids, fingerprint: 'b'.repeat(64) }
  const stored = { ...rest, attempt: 'one', beat: 3, made: { image } }
  const current = { ...rest, holder: 'one', renewals: 3, created: { image } }
  const read: unknown[] = [stored, current].map((record) => idempotencyRecord.parse(record))
  expect(read).toEqual([current, current])
})

test.each([
  ['no value', null],
  ['text', 'open'],
  ['no holder', { state: 'open', ...ids, renewals: 0 }],
  ['an invalid result', { state: 'done', ...ids, attempt: 'one', beat: 0, made: {} }],
])('a record with %s is refused', (_, stored) => {
  expect(idempotencyRecord.safeParse(stored).success).toBe(false)
})

import { expect, test } from 'bun:test'
import { createRefusals } from './refusals.ts'

const unknown = { peer: '192.0.2.1:1000' }
const known = { account: 'ann', peer: '192.0.2.1:1001' }

function createTestRefusals({ isHalfFull = false } = {}) {
  const clock = { ms: 0 }
  const memory = { isHalfFull: () => isHalfFull }
  const refusals = createRefusals({ memory, onRefused: () => {}, now: () => clock.ms })
  return { clock, refusals }
}

test('a caller with too many refused calls is refused on its headers until it pauses', () => {
  const { clock, refusals } = createTestRefusals()
  for (let at = 0; at < 99; at += 1) refusals.count(unknown)
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([false, false])
  refusals.count({ peer: '192.0.2.1:2000' })
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([true, true])
  expect(refusals.earlyRefusal(unknown)).toMatchObject({ code: 'overloaded' })
  expect(refusals.earlyRefusal({ peer: '192.0.2.2:1000' })).toBeUndefined()
  clock.ms = 4900
  expect(refusals.isSpent(unknown)).toBe(true)
  clock.ms = 5000
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([false, false])
})

test('the budget of an address does not affect accounts, and an account is refused only when its memory is half full', () => {
  const { refusals } = createTestRefusals()
  for (let at = 0; at < 200; at += 1) refusals.count(unknown)
  expect(refusals.earlyRefusal(known)).toBeUndefined()
  for (let at = 0; at < 200; at += 1) refusals.count(known)
  expect(refusals.earlyRefusal(known)).toBeUndefined()

  const full = createTestRefusals({ isHalfFull: true }).refusals
  for (let at = 0; at < 200; at += 1) full.count(known)
  expect(full.earlyRefusal(known)).toMatchObject({ code: 'overloaded' })
  expect(full.earlyRefusal({ account: 'bob', peer: known.peer })).toBeUndefined()
})

test('probes are never counted', () => {
  const { refusals } = createTestRefusals()
  for (let at = 0; at < 200; at += 1) refusals.count({ ...unknown, isProbe: true })
  expect(refusals.isAnySpent).toBe(false)
})

import { expect, test } from 'bun:test'
import { createRefusals } from './refusals.ts'

const unknown = { peer: '192.0.2.1:1000' }
const known = { account: 'ann', peer: '192.0.2.1:1001' }

function refusalsOf({ isHalfFull = false } = {}) {
  const clock = { ms: 0 }
  const memory = { isHalfFull: () => isHalfFull }
  const refusals = createRefusals({ memory, onRefused: () => {}, now: () => clock.ms })
  return { clock, refusals }
}

test('a caller whose calls were refused too often is refused at once, until there was a pause', () => {
  const { clock, refusals } = refusalsOf()
  for (let at = 0; at < 99; at += 1) refusals.count(unknown)
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([false, false])
  refusals.count({ peer: '192.0.2.1:2000' })
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([true, true])
  expect(refusals.atOnce(unknown)).toMatchObject({ code: 'overloaded' })
  expect(refusals.atOnce({ peer: '192.0.2.2:1000' })).toBeUndefined()
  clock.ms = 4900
  expect(refusals.isSpent(unknown)).toBe(true)
  clock.ms = 5000
  expect([refusals.isAnySpent, refusals.isSpent(unknown)]).toEqual([false, false])
})

test('valid credentials from the same address are no concern of that, and an account is refused only without room', () => {
  const { refusals } = refusalsOf()
  for (let at = 0; at < 200; at += 1) refusals.count(unknown)
  expect(refusals.atOnce(known)).toBeUndefined()
  for (let at = 0; at < 200; at += 1) refusals.count(known)
  expect(refusals.atOnce(known)).toBeUndefined()

  const full = refusalsOf({ isHalfFull: true }).refusals
  for (let at = 0; at < 200; at += 1) full.count(known)
  expect(full.atOnce(known)).toMatchObject({ code: 'overloaded' })
  expect(full.atOnce({ account: 'bob', peer: known.peer })).toBeUndefined()
})

test('probes are never counted', () => {
  const { refusals } = refusalsOf()
  for (let at = 0; at < 200; at += 1) refusals.count({ ...unknown, isProbe: true })
  expect(refusals.isAnySpent).toBe(false)
})

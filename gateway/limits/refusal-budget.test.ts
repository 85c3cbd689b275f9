import { expect, test } from 'bun:test'
import { createRefusalBudget } from './refusal-budget.ts'

const unknown = { peer: '192.0.2.1:1000' }
const known = { account: 'ann', peer: '192.0.2.1:1001' }

function createTestBudget({ isHalfFull = false } = {}) {
  const clock = { ms: 0 }
  const memory = { isHalfFull: () => isHalfFull }
  const refusalBudget = createRefusalBudget({ memory, onRefused: () => {}, now: () => clock.ms })
  return { clock, refusalBudget }
}

test('a caller with too many refused calls is refused on its headers until it pauses', () => {
  const { clock, refusalBudget } = createTestBudget()
  for (let at = 0; at < 99; at += 1) refusalBudget.count(unknown)
  expect([refusalBudget.isAnySpent, refusalBudget.isSpent(unknown)]).toEqual([false, false])
  refusalBudget.count({ peer: '192.0.2.1:2000' })
  expect([refusalBudget.isAnySpent, refusalBudget.isSpent(unknown)]).toEqual([true, true])
  expect(refusalBudget.earlyRefusal(unknown)).toMatchObject({ code: 'overloaded' })
  expect(refusalBudget.earlyRefusal({ peer: '192.0.2.2:1000' })).toBeUndefined()
  clock.ms = 4900
  expect(refusalBudget.isSpent(unknown)).toBe(true)
  clock.ms = 5000
  expect([refusalBudget.isAnySpent, refusalBudget.isSpent(unknown)]).toEqual([false, false])
})

test('the budget of an address does not affect accounts, and an account is refused only when its memory is half full', () => {
  const { refusalBudget } = createTestBudget()
  for (let at = 0; at < 200; at += 1) refusalBudget.count(unknown)
  expect(refusalBudget.earlyRefusal(known)).toBeUndefined()
  for (let at = 0; at < 200; at += 1) refusalBudget.count(known)
  expect(refusalBudget.earlyRefusal(known)).toBeUndefined()

  const full = createTestBudget({ isHalfFull: true }).refusalBudget
  for (let at = 0; at < 200; at += 1) full.count(known)
  expect(full.earlyRefusal(known)).toMatchObject({ code: 'overloaded' })
  expect(full.earlyRefusal({ account: 'bob', peer: known.peer })).toBeUndefined()
})

test('probes are never counted', () => {
  const { refusalBudget } = createTestBudget()
  for (let at = 0; at < 200; at += 1) refusalBudget.count({ ...unknown, isProbe: true })
  expect(refusalBudget.isAnySpent).toBe(false)
})

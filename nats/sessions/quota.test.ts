import { expect, test } from 'bun:test'
import { createSessionQuota } from './quota.ts'

const taken = (quota: ReturnType<typeof createSessionQuota>, account: string, most = 100) => {
  let count = 0
  while (count < most && quota.tryTake(account)) count += 1
  return count
}

test('one account may hold all room, and others still get their share', () => {
  const quota = createSessionQuota(6)
  expect(taken(quota, 'ann')).toBe(6)
  expect(taken(quota, 'bob')).toBe(3)
  expect(taken(quota, 'cid')).toBe(2)
  // Twice the room is held now by eleven of twelve: one more account finds a place, the next does not.
  expect(taken(quota, 'dee')).toBe(1)
  expect(taken(quota, 'eve')).toBe(0)
  expect(taken(quota, 'ann')).toBe(0)
})

test('what is given back below the room is for anyone again', () => {
  const quota = createSessionQuota(2)
  expect(taken(quota, 'ann')).toBe(2)
  expect(taken(quota, 'bob')).toBe(1)
  quota.give('ann')
  expect(quota.tryTake('bob')).toBe(false)
  quota.give('bob')
  expect(quota.tryTake('bob')).toBe(true)
})

test('without room nobody is let in', () => {
  expect(createSessionQuota(0).tryTake('ann')).toBe(false)
})

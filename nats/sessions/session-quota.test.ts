import { expect, test } from 'bun:test'
import { createSessionQuota } from './session-quota.ts'

const taken = (quota: ReturnType<typeof createSessionQuota>, account: string, most = 100) => {
  let count = 0
  while (count < most && quota.tryAcquire(account)) count += 1
  return count
}

test('one account may use the whole capacity, and others still get their share', () => {
  const quota = createSessionQuota(6)
  expect(taken(quota, 'ann')).toBe(6)
  expect(taken(quota, 'bob')).toBe(3)
  expect(taken(quota, 'cid')).toBe(2)
  // Eleven of twelve possible sessions are held: one more account gets a session, the next does not.
  expect(taken(quota, 'dee')).toBe(1)
  expect(taken(quota, 'eve')).toBe(0)
  expect(taken(quota, 'ann')).toBe(0)
})

test('sessions released below the capacity go to any account again', () => {
  const quota = createSessionQuota(2)
  expect(taken(quota, 'ann')).toBe(2)
  expect(taken(quota, 'bob')).toBe(1)
  quota.release('ann')
  expect(quota.tryAcquire('bob')).toBe(false)
  quota.release('bob')
  expect(quota.tryAcquire('bob')).toBe(true)
})

test('without capacity no session is accepted', () => {
  expect(createSessionQuota(0).tryAcquire('ann')).toBe(false)
})

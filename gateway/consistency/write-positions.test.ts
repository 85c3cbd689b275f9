import { expect, test } from 'bun:test'
import { createWritePositions } from './write-positions.ts'

test('remembers the newest write of each account, for a limited number of accounts', () => {
  const writes = createWritePositions(2)
  writes.noted('ann', 5)
  writes.noted('ann', 3)
  expect([writes.latest('ann'), writes.latest('bob')]).toEqual([5, 0])
  writes.noted('bob', 6)
  writes.noted('ann', 7)
  writes.noted('cid', 8)
  expect(['ann', 'bob', 'cid'].map(writes.latest)).toEqual([7, 0, 8])
  writes.forget()
  expect(writes.latest('ann')).toBe(0)
})

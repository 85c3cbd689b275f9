import { expect, test } from 'bun:test'
import { createWritePositions } from './write-positions.ts'

test('remembers the newest write of each account, for a limited number of accounts', () => {
  const writes = createWritePositions(2)
  writes.record('ann', 5)
  writes.record('ann', 3)
  expect([writes.latest('ann'), writes.latest('bob')]).toEqual([5, 0])
  writes.record('bob', 6)
  writes.record('ann', 7)
  writes.record('cid', 8)
  expect(['ann', 'bob', 'cid'].map(writes.latest)).toEqual([7, 0, 8])
  writes.forget()
  expect(writes.latest('ann')).toBe(0)
})

import { expect, test } from 'bun:test'
import { createWritePositions } from './write-positions.ts'

test('remembers the newest write of each account, for a limited number of accounts', () => {
  const writePositions = createWritePositions(2)
  writePositions.record('ann', 5)
  writePositions.record('ann', 3)
  expect([writePositions.latest('ann'), writePositions.latest('bob')]).toEqual([5, 0])
  writePositions.record('bob', 6)
  writePositions.record('ann', 7)
  writePositions.record('cid', 8)
  expect(['ann', 'bob', 'cid'].map(writePositions.latest)).toEqual([7, 0, 8])
  writePositions.forget()
  expect(writePositions.latest('ann')).toBe(0)
})

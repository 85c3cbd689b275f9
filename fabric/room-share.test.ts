import { expect, test } from 'bun:test'
import { createRoomShare } from './room-share.ts'

const taken = (share: ReturnType<typeof createRoomShare>, account: string, most = 100) => {
  let count = 0
  while (count < most && share.tryTake(account)) count += 1
  return count
}

test('one account may hold all room, and others still get their share', () => {
  const share = createRoomShare(6)
  expect(taken(share, 'ann')).toBe(6)
  expect(taken(share, 'bob')).toBe(3)
  expect(taken(share, 'cid')).toBe(2)
  // Twice the room is held now by eleven of twelve: one more account finds a place, the next does not.
  expect(taken(share, 'dee')).toBe(1)
  expect(taken(share, 'eve')).toBe(0)
  expect(taken(share, 'ann')).toBe(0)
})

test('what is given back below the room is for anyone again', () => {
  const share = createRoomShare(2)
  expect(taken(share, 'ann')).toBe(2)
  expect(taken(share, 'bob')).toBe(1)
  share.give('ann')
  expect(share.tryTake('bob')).toBe(false)
  share.give('bob')
  expect(share.tryTake('bob')).toBe(true)
})

test('without room nobody is let in', () => {
  expect(createRoomShare(0).tryTake('ann')).toBe(false)
})

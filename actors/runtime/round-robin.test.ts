import { expect, test } from 'bun:test'
import { createRoundRobin } from './round-robin.ts'

const all = () => Number.POSITIVE_INFINITY
const filled = (...accounts: string[]) => {
  const roundRobin = createRoundRobin()
  for (const [seq, account] of accounts.entries()) roundRobin.add({ account, seq })
  return roundRobin
}
const seqs = (taken: readonly { seq: number }[]) => taken.map(({ seq }) => seq)

test('accounts take turns, and the jobs of an account keep their order', () => {
  const roundRobin = filled('a', 'a', 'a', 'a', 'b', 'c', 'c')
  expect(seqs(roundRobin.take(2, all))).toEqual([0, 4])
  roundRobin.add({ account: 'd', seq: 7 })
  expect(seqs(roundRobin.take(4, all))).toEqual([5, 1, 7, 6])
  expect(seqs(roundRobin.take(10, all))).toEqual([2, 3])
  expect(roundRobin.size).toBe(0)
  expect(roundRobin.take(1, all)).toEqual([])
})

test('an account at its limit keeps its turn', () => {
  const roundRobin = filled('a', 'a', 'a', 'b', 'b')
  expect(seqs(roundRobin.take(9, (account) => (account === 'a' ? 1 : 2)))).toEqual([0, 3, 4])
  expect(roundRobin.take(9, () => 0)).toEqual([])
  roundRobin.add({ account: 'b', seq: 5 })
  expect(seqs(roundRobin.take(1, all))).toEqual([1])
})

test('jobs that are put back come first again', () => {
  const roundRobin = filled('a', 'a', 'a', 'b')
  const taken = roundRobin.take(3, all)
  expect(seqs(taken)).toEqual([0, 3, 1])
  roundRobin.putBack(taken)
  expect(roundRobin.size).toBe(4)
  expect(seqs(roundRobin.take(9, all)).filter((seq) => seq !== 3)).toEqual([0, 1, 2])
})

test('a long queue is searched and compacted', () => {
  const roundRobin = createRoundRobin()
  for (let seq = 0; seq < 20_000; seq += 2) roundRobin.add({ account: 'a', seq })
  const taken = roundRobin.take(9_000, all)
  expect(taken.at(-1)?.seq).toBe(17_998)
  expect([17_998, 18_000, 18_001, 19_998, 20_000].map((seq) => roundRobin.has(seq))).toEqual([
    false,
    true,
    false,
    true,
    false,
  ])
  roundRobin.putBack(taken.slice(-2))
  expect(roundRobin.has(17_996)).toBe(true)
  expect(seqs(roundRobin.take(3, all))).toEqual([17_996, 17_998, 18_000])
})

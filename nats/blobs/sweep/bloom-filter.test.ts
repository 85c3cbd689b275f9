import { expect, test } from 'bun:test'
import { createBloomFilter } from './bloom-filter.ts'

const keys = Array.from({ length: 20_000 }, (_, i) => `account/${i}`)

test('there are no false negatives and few false positives', () => {
  const filter = createBloomFilter(1n, 2 ** 18)
  for (const key of keys) filter.add(key)
  expect(keys.filter((key) => !filter.mayHave(key))).toEqual([])
  const mistaken = keys.filter((key) => filter.mayHave(`other/${key}`)).length
  // By the formula (1 - e^(-kn/m))^k = 0.8 %.
  expect(mistaken / keys.length).toBeLessThan(0.02)
})

test('another seed has other false positives', () => {
  const samples = [1n, 2n].map((seed) => {
    const filter = createBloomFilter(seed, 2 ** 16)
    for (const key of keys.slice(0, 8000)) filter.add(key)
    return new Set(keys.slice(8000).filter((key) => filter.mayHave(key)))
  })
  const [first, second] = samples as [Set<string>, Set<string>]
  expect(first.size).toBeGreaterThan(50)
  expect([...first].filter((key) => second.has(key)).length).toBeLessThan(first.size / 2)
})

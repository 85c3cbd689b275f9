import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createShelf } from './scratch-quota.ts'

test('gives out what there is, once, and takes it back once', () => {
  const shelf = createShelf(100)
  const first = shelf.take(40)
  using _ = shelf.take(50)
  expect(() => shelf.take(11)).toThrow(Fault)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  using third = shelf.take(50)
  expect(() => shelf.take(1)).toThrow('no room')
  third[Symbol.dispose]()
})

test('what is larger than half of it counts as half', () => {
  const shelf = createShelf(100)
  using one = shelf.take(5000)
  using two = shelf.take(60)
  expect(() => shelf.take(1)).toThrow('no room')
  expect([one, two]).toHaveLength(2)
})

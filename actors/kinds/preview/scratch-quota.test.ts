import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createScratchQuota } from './scratch-quota.ts'

test('reserves up to the quota, and gets a reservation back once', () => {
  const scratchQuota = createScratchQuota(100)
  const first = scratchQuota.take(40)
  using _ = scratchQuota.take(50)
  expect(() => scratchQuota.take(11)).toThrow(Fault)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  using third = scratchQuota.take(50)
  expect(() => scratchQuota.take(1)).toThrow('used up')
  third[Symbol.dispose]()
})

test('a request above half of the quota counts as half', () => {
  const scratchQuota = createScratchQuota(100)
  using one = scratchQuota.take(5000)
  using two = scratchQuota.take(60)
  expect(() => scratchQuota.take(1)).toThrow('used up')
  expect([one, two]).toHaveLength(2)
})

import { expect, test } from 'bun:test'
import type { Lane } from '@pixelflow/core/job'
import { createTaskQuota, type TaskCounts } from './task-quota.ts'

const limits = { accountInteractive: 2, accountQueued: 4 }

/** A counter whose values the test sets. */
function createCounter() {
  const counted = {
    countedTo: 0,
    ann: { queued: 0, interactive: 0 } as TaskCounts,
    countsOf: (account: string) => (account === 'ann' ? counted.ann : { queued: 0, interactive: 0 }),
  }
  return counted
}

test('an accepted task counts immediately, and once only after the log includes it', () => {
  const counted = createCounter()
  const taskQuota = createTaskQuota(counted, limits)
  const take = (seq: number, lane?: Lane) => {
    using reservation = taskQuota.reserve('ann', lane)
    reservation?.commit(seq)
    return reservation?.lane ?? null
  }
  expect([take(11), take(12), take(14), take(13, 'bulk')]).toEqual([
    'interactive',
    'interactive',
    'bulk',
    'bulk',
  ])
  expect([take(15), take(15, 'bulk')]).toEqual([null, null])

  counted.countedTo = 12
  counted.ann = { queued: 1, interactive: 1 }
  expect([take(16), take(17)]).toEqual(['interactive', null])

  counted.countedTo = 20
  counted.ann = { queued: 0, interactive: 2 }
  expect([take(21), take(22), take(23), take(24), take(25)]).toEqual(['bulk', 'bulk', 'bulk', 'bulk', null])
})

test('disposing a reservation frees it once; reservations that are not committed count', () => {
  const taskQuota = createTaskQuota(createCounter(), limits)
  const reservations = Array.from({ length: 5 }, () => taskQuota.reserve('ann'))
  expect(reservations.map((one) => one?.lane)).toEqual([
    'interactive',
    'interactive',
    'bulk',
    'bulk',
    undefined,
  ])
  for (const one of reservations) one?.[Symbol.dispose]()
  for (const one of reservations) one?.[Symbol.dispose]()
  expect(Array.from({ length: 5 }, () => taskQuota.reserve('ann')).filter(Boolean)).toHaveLength(4)
})

test('accounts do not share a quota', () => {
  const taskQuota = createTaskQuota(createCounter(), limits)
  for (let n = 0; n < 5; n += 1) taskQuota.reserve('bob')
  expect(taskQuota.reserve('ann')?.lane).toBe('interactive')
})

test('a new log resets the quota', () => {
  const taskQuota = createTaskQuota(createCounter(), limits)
  for (let seq = 1; seq < 5; seq += 1) taskQuota.reserve('ann')?.commit(seq)
  expect(taskQuota.reserve('ann')).toBeNull()
  taskQuota.forget()
  expect(taskQuota.reserve('ann')?.lane).toBe('interactive')
})

test('an account may use half of the workers for interactive tasks, at least two; a single account uses all', () => {
  const lanes = (account: string, workers: number) => {
    const taskQuota = createTaskQuota(
      createCounter(),
      { accountInteractive: 6, accountQueued: 100 },
      () => workers,
    )
    const admitted = Array.from({ length: 10 }, () => taskQuota.reserve(account)?.lane)
    return admitted.filter((lane) => lane === 'interactive').length
  }
  expect([0, 1, 2, 5, 8, 100].map((workers) => lanes('ann', workers))).toEqual([6, 2, 2, 3, 4, 6])
  expect(lanes('local', 2)).toBe(6)
})

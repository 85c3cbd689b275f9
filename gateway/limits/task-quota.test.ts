import { expect, test } from 'bun:test'
import type { Lane } from '@pixelflow/core/job'
import { createTaskQuota, type TaskCounts } from './task-quota.ts'

const limits = { accountInteractive: 2, accountQueued: 4 }

/** What the log has, as far as it is counted. */
function counting() {
  const counted = {
    countedTo: 0,
    ann: { queued: 0, interactive: 0 } as TaskCounts,
    countsOf: (account: string) => (account === 'ann' ? counted.ann : { queued: 0, interactive: 0 }),
  }
  return counted
}

test('what is accepted here counts at once, and is counted once when the log shows it', () => {
  const counted = counting()
  const taskQuota = createTaskQuota(counted, limits)
  const take = (seq: number, lane?: Lane) => {
    using place = taskQuota.reserve('ann', lane)
    place?.taken(seq)
    return place?.lane ?? null
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

test('a place that nobody takes is free again; those on their way to the log hold theirs', () => {
  const taskQuota = createTaskQuota(counting(), limits)
  const places = Array.from({ length: 5 }, () => taskQuota.reserve('ann'))
  expect(places.map((one) => one?.lane)).toEqual(['interactive', 'interactive', 'bulk', 'bulk', undefined])
  for (const one of places) one?.[Symbol.dispose]()
  for (const one of places) one?.[Symbol.dispose]()
  expect(Array.from({ length: 5 }, () => taskQuota.reserve('ann')).filter(Boolean)).toHaveLength(4)
})

test('accounts have room of their own', () => {
  const taskQuota = createTaskQuota(counting(), limits)
  for (let n = 0; n < 5; n += 1) taskQuota.reserve('bob')
  expect(taskQuota.reserve('ann')?.lane).toBe('interactive')
})

test('of a log that was made anew nothing is counted', () => {
  const taskQuota = createTaskQuota(counting(), limits)
  for (let seq = 1; seq < 5; seq += 1) taskQuota.reserve('ann')?.taken(seq)
  expect(taskQuota.reserve('ann')).toBeNull()
  taskQuota.forget()
  expect(taskQuota.reserve('ann')?.lane).toBe('interactive')
})

test('an account may put half of the workers to interactive tasks, two at least; the only account all', () => {
  const lanes = (account: string, workers: number) => {
    const taskQuota = createTaskQuota(
      counting(),
      { accountInteractive: 6, accountQueued: 100 },
      () => workers,
    )
    const admitted = Array.from({ length: 10 }, () => taskQuota.reserve(account)?.lane)
    return admitted.filter((lane) => lane === 'interactive').length
  }
  expect([0, 1, 2, 5, 8, 100].map((workers) => lanes('ann', workers))).toEqual([6, 2, 2, 3, 4, 6])
  expect(lanes('local', 2)).toBe(6)
})

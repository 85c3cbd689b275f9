import { expect, test } from 'bun:test'
import type { Lane } from '@pixelflow/core/job'
import { createWorkload, type Tally } from './workload.ts'

const limits = { accountInteractive: 2, accountQueued: 4 }

/** What the log has, as far as it is counted. */
function counting() {
  const counted = {
    talliedTo: 0,
    ann: { queued: 0, interactive: 0 } as Tally,
    tally: (account: string) => (account === 'ann' ? counted.ann : { queued: 0, interactive: 0 }),
  }
  return counted
}

test('what is accepted here counts at once, and is counted once when the log shows it', () => {
  const counted = counting()
  const workload = createWorkload(counted, limits)
  const take = (seq: number, lane?: Lane) => {
    using place = workload.admit('ann', lane)
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

  counted.talliedTo = 12
  counted.ann = { queued: 1, interactive: 1 }
  expect([take(16), take(17)]).toEqual(['interactive', null])

  counted.talliedTo = 20
  counted.ann = { queued: 0, interactive: 2 }
  expect([take(21), take(22), take(23), take(24), take(25)]).toEqual(['bulk', 'bulk', 'bulk', 'bulk', null])
})

test('a place that nobody takes is free again; those on their way to the log hold theirs', () => {
  const workload = createWorkload(counting(), limits)
  const places = Array.from({ length: 5 }, () => workload.admit('ann'))
  expect(places.map((one) => one?.lane)).toEqual(['interactive', 'interactive', 'bulk', 'bulk', undefined])
  for (const one of places) one?.[Symbol.dispose]()
  for (const one of places) one?.[Symbol.dispose]()
  expect(Array.from({ length: 5 }, () => workload.admit('ann')).filter(Boolean)).toHaveLength(4)
})

test('accounts have room of their own', () => {
  const workload = createWorkload(counting(), limits)
  for (let n = 0; n < 5; n += 1) workload.admit('bob')
  expect(workload.admit('ann')?.lane).toBe('interactive')
})

test('of a log that was made anew nothing is counted', () => {
  const workload = createWorkload(counting(), limits)
  for (let seq = 1; seq < 5; seq += 1) workload.admit('ann')?.taken(seq)
  expect(workload.admit('ann')).toBeNull()
  workload.forget()
  expect(workload.admit('ann')?.lane).toBe('interactive')
})

test('an account may put half of the workers to interactive tasks, two at least; the only account all', () => {
  const lanes = (account: string, workers: number) => {
    const workload = createWorkload(counting(), { accountInteractive: 6, accountQueued: 100 }, () => workers)
    const admitted = Array.from({ length: 10 }, () => workload.admit(account)?.lane)
    return admitted.filter((lane) => lane === 'interactive').length
  }
  expect([0, 1, 2, 5, 8, 100].map((workers) => lanes('ann', workers))).toEqual([6, 2, 2, 3, 4, 6])
  expect(lanes('local', 2)).toBe(6)
})

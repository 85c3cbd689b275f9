import { describe, expect, test } from 'bun:test'
import { createFairScheduler, type Contender } from './fair-scheduler.ts'

const work = (account: string, isLowPriority = false): Contender => ({ account, isLowPriority })

describe('the next worker', () => {
  test('goes to the account that holds the fewest, not to the one that came first', () => {
    const scheduler = createFairScheduler()
    scheduler.take('ann')
    expect(scheduler.next([work('ann'), work('ann'), work('bob')])).toBe(2)
    scheduler.take('bob')
    scheduler.take('bob')
    expect(scheduler.next([work('bob'), work('ann')])).toBe(1)
  })

  test('alternates between accounts that hold equally many', () => {
    const scheduler = createFairScheduler()
    const waiting = [work('ann'), work('ann'), work('ann'), work('bob'), work('cid')]
    const served: string[] = []
    while (waiting.length > 0) {
      const [{ account }] = waiting.splice(scheduler.next(waiting), 1) as [Contender]
      scheduler.take(account)
      scheduler.give(account)
      served.push(account)
    }
    expect(served).toEqual(['ann', 'bob', 'cid', 'ann', 'ann'])
    expect(scheduler.next(waiting)).toBe(-1)
  })

  test('goes to low-priority work only when no other work waits', () => {
    const scheduler = createFairScheduler()
    scheduler.take('ann')
    expect(scheduler.next([work('bob', true), work('ann')])).toBe(1)
    expect(scheduler.next([work('bob', true)])).toBe(0)
  })
})

describe('the preempted work is', () => {
  const cases: [
    string,
    { held: Contender[]; waiting: Contender[]; workers: number; victimAt: number | undefined },
  ][] = [
    [
      'the newest of the account that holds all',
      { held: [work('ann'), work('ann')], waiting: [work('bob')], workers: 2, victimAt: 1 },
    ],
    [
      'low-priority work first',
      { held: [work('ann', true), work('ann')], waiting: [work('bob')], workers: 2, victimAt: 0 },
    ],
    [
      'none of an account that has its share',
      { held: [work('ann'), work('bob')], waiting: [work('cid')], workers: 2, victimAt: undefined },
    ],
    [
      'none with a single worker',
      { held: [work('ann')], waiting: [work('bob')], workers: 1, victimAt: undefined },
    ],
    [
      'none for the same account',
      { held: [work('ann'), work('ann')], waiting: [work('ann')], workers: 2, victimAt: undefined },
    ],
    [
      'none for low-priority work',
      { held: [work('ann'), work('ann')], waiting: [work('bob', true)], workers: 2, victimAt: undefined },
    ],
    [
      'one until all have their share',
      {
        held: [work('ann'), work('ann'), work('ann'), work('bob')],
        waiting: [work('cid')],
        workers: 4,
        victimAt: 2,
      },
    ],
  ]
  test.each(cases)('%s', (_, { held, waiting, workers, victimAt }) => {
    const scheduler = createFairScheduler()
    for (const { account } of held) scheduler.take(account)
    const victim = scheduler.selectVictim(waiting[0] as Contender, waiting, held, workers)
    expect(victim === undefined ? undefined : held.indexOf(victim)).toBe(victimAt)
  })
})

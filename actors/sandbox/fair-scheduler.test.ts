import { describe, expect, test } from 'bun:test'
import { createFairScheduler, type Contender } from './fair-scheduler.ts'

const work = (account: string, yields = false): Contender => ({ account, yields })

describe('the next child', () => {
  test('goes to the account that holds the fewest, not to whoever came first', () => {
    const turns = createFairScheduler()
    turns.take('ann')
    expect(turns.next([work('ann'), work('ann'), work('bob')])).toBe(2)
    turns.take('bob')
    turns.take('bob')
    expect(turns.next([work('bob'), work('ann')])).toBe(1)
  })

  test('goes around where all hold equally many', () => {
    const turns = createFairScheduler()
    const waiting = [work('ann'), work('ann'), work('ann'), work('bob'), work('cid')]
    const served: string[] = []
    while (waiting.length > 0) {
      const [{ account }] = waiting.splice(turns.next(waiting), 1) as [Contender]
      turns.take(account)
      turns.give(account)
      served.push(account)
    }
    expect(served).toEqual(['ann', 'bob', 'cid', 'ann', 'ann'])
    expect(turns.next(waiting)).toBe(-1)
  })

  test('goes to work that yields only when there is no other', () => {
    const turns = createFairScheduler()
    turns.take('ann')
    expect(turns.next([work('bob', true), work('ann')])).toBe(1)
    expect(turns.next([work('bob', true)])).toBe(0)
  })
})

describe('the work that is stopped for another account is', () => {
  const cases: [
    string,
    { held: Contender[]; waiting: Contender[]; children: number; victimAt: number | undefined },
  ][] = [
    [
      'the newest of whoever holds all',
      { held: [work('ann'), work('ann')], waiting: [work('bob')], children: 2, victimAt: 1 },
    ],
    [
      'first one that yields',
      { held: [work('ann', true), work('ann')], waiting: [work('bob')], children: 2, victimAt: 0 },
    ],
    [
      'none of an account that has its share',
      { held: [work('ann'), work('bob')], waiting: [work('cid')], children: 2, victimAt: undefined },
    ],
    [
      'none where there is one child only',
      { held: [work('ann')], waiting: [work('bob')], children: 1, victimAt: undefined },
    ],
    [
      'none for the same account',
      { held: [work('ann'), work('ann')], waiting: [work('ann')], children: 2, victimAt: undefined },
    ],
    [
      'none for work that yields',
      { held: [work('ann'), work('ann')], waiting: [work('bob', true)], children: 2, victimAt: undefined },
    ],
    [
      'one until all have their share',
      {
        held: [work('ann'), work('ann'), work('ann'), work('bob')],
        waiting: [work('cid')],
        children: 4,
        victimAt: 2,
      },
    ],
  ]
  test.each(cases)('%s', (_, { held, waiting, children, victimAt }) => {
    const turns = createFairScheduler()
    for (const { account } of held) turns.take(account)
    const victim = turns.selectVictim(waiting[0] as Contender, waiting, held, children)
    expect(victim === undefined ? undefined : held.indexOf(victim)).toBe(victimAt)
  })
})

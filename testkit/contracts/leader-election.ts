import { describe, expect, test } from 'bun:test'
import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'

export interface LeaderElectionUnderTest extends AsyncDisposable {
  readonly leaderElection: LeaderElection
  /** Another process's end. */
  readonly elsewhere: LeaderElection
}

/** What every adapter of `LeaderElection` has to hold. Registers the tests. */
export function leaderElectionContract(name: string, open: () => Promise<LeaderElectionUnderTest>): void {
  describe(`${name}: leaderElection contract`, () => {
    test('one holds an office at a time, and the next one follows at once when it leaves', async () => {
      await using under = await open()
      const over = new AbortController()
      let holders = 0
      let most = 0
      let terms = 0
      const lead = async () => {
        most = Math.max(most, (holders += 1))
        await pause(20)
        holders -= 1
        if ((terms += 1) === 12) over.abort()
      }
      const candidates = [under.leaderElection, under.elsewhere, under.leaderElection, under.elsewhere]
      await Promise.all(candidates.map((one) => one.campaign('sweeper', lead, over.signal)))
      expect(most).toBe(1)
      expect(terms).toBeGreaterThanOrEqual(12)
    })

    test('offices are independent of each other', async () => {
      await using under = await open()
      const over = new AbortController()
      const held = new Set<string>()
      const stand = (office: string, leaderElection: LeaderElection) =>
        leaderElection.campaign(
          office,
          async (lost) => {
            held.add(office)
            if (held.size === 2) over.abort()
            await pause(60_000, lost)
          },
          over.signal,
        )
      await Promise.all([stand('sweeper', under.leaderElection), stand('dispatcher', under.elsewhere)])
      expect([...held].toSorted()).toEqual(['dispatcher', 'sweeper'])
    })

    test('who leads is told when it is over, and work that fails only costs the office', async () => {
      await using under = await open()
      const over = new AbortController()
      let terms = 0
      await under.leaderElection.campaign(
        'sweeper',
        async (lost) => {
          terms += 1
          if (terms === 1) throw new Error('a bad day')
          setTimeout(() => over.abort(), 50)
          await pause(60_000, lost)
        },
        over.signal,
      )
      expect(terms).toBe(2)
    })
  })
}

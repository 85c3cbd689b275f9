import { describe, expect, test } from 'bun:test'
import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'

export interface LeaderElectionUnderTest extends AsyncDisposable {
  readonly leaderElection: LeaderElection
  /** The same port in another process. */
  readonly elsewhere: LeaderElection
}

/** Registers the tests that every adapter of `LeaderElection` must pass. */
export function leaderElectionContract(name: string, open: () => Promise<LeaderElectionUnderTest>): void {
  describe(`${name}: leader election contract`, () => {
    test('one process leads at a time, and the next one follows at once when it ends', async () => {
      await using fixture = await open()
      const over = new AbortController()
      let leaders = 0
      let most = 0
      let terms = 0
      const lead = async () => {
        most = Math.max(most, (leaders += 1))
        await pause(20)
        leaders -= 1
        if ((terms += 1) === 12) over.abort()
      }
      const candidates = [
        fixture.leaderElection,
        fixture.elsewhere,
        fixture.leaderElection,
        fixture.elsewhere,
      ]
      await Promise.all(candidates.map((one) => one.campaign('sweeper', lead, over.signal)))
      expect(most).toBe(1)
      expect(terms).toBeGreaterThanOrEqual(12)
    })

    test('a candidate that is aborted at any moment ends, while another process leads', async () => {
      await using fixture = await open()
      const over = new AbortController()
      const leads = Promise.withResolvers<void>()
      const lead = async (lost: AbortSignal) => {
        leads.resolve()
        await new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve()))
      }
      const leading = fixture.elsewhere.campaign('sweeper', lead, over.signal)
      await leads.promise
      for (let ticks = 0; ticks < 40; ticks += 1) {
        const stop = new AbortController()
        const candidate = fixture.leaderElection.campaign('sweeper', lead, stop.signal)
        for (let tick = 0; tick < ticks; tick += 1) await new Promise(setImmediate)
        stop.abort()
        await candidate
      }
      over.abort()
      await leading
    })

    test('roles are independent of each other', async () => {
      await using fixture = await open()
      const over = new AbortController()
      const held = new Set<string>()
      const campaign = (role: string, leaderElection: LeaderElection) =>
        leaderElection.campaign(
          role,
          async (lost) => {
            held.add(role)
            if (held.size === 2) over.abort()
            await pause(60_000, lost)
          },
          over.signal,
        )
      await Promise.all([
        campaign('sweeper', fixture.leaderElection),
        campaign('dispatcher', fixture.elsewhere),
      ])
      expect([...held].toSorted()).toEqual(['dispatcher', 'sweeper'])
    })

    test('a leader learns when its role is lost, and a failure costs only the role', async () => {
      await using fixture = await open()
      const over = new AbortController()
      let terms = 0
      await fixture.leaderElection.campaign(
        'sweeper',
        async (lost) => {
          terms += 1
          if (terms === 1) throw new Error('failure')
          setTimeout(() => over.abort(), 50)
          await pause(60_000, lost)
        },
        over.signal,
      )
      expect(terms).toBe(2)
    })
  })
}

import { describe, expect, test } from 'bun:test'
import type { ActorReport } from '@pixelflow/core/actor'
import type { Registry, Roster } from '@pixelflow/core/ports/registry'
import { waitFor } from '../wait-for.ts'

export interface RegistryUnderTest extends AsyncDisposable {
  readonly registry: Registry
  /** The same port in another process. */
  readonly elsewhere: Registry
}

/** A report of the named actor. */
export function reportOf(name: string, change: Partial<ActorReport> = {}): ActorReport {
  return {
    name,
    version: '0.1.0',
    kinds: ['transform'],
    live: ['transform', 'preview'],
    capabilities: { reads: ['jpeg'], writes: ['webp'], operations: ['resize'] },
    state: 'ready',
    slots: 3,
    held: 1,
    tasks: [
      {
        account: 'local',
        task: '01936f2e-7c5e-7abc-9def-0123456789ab',
        attempt: 2,
        since: '2026-11-21T10:00:00.000Z',
      },
    ],
    sessions: 0,
    children: 2,
    residentBytes: 1024,
    startedAt: '2026-11-21T09:00:00.000Z',
    ...change,
  }
}

/** Registers the tests that every adapter of `Registry` must pass. */
export function registryContract(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`${name}: registry contract`, () => {
    test('announced actors are known to earlier and later subscribers', async () => {
      await using fixture = await open()
      using before = fixture.elsewhere.follow()
      await using _ann = fixture.registry.announce(() => reportOf('ann.1'))
      await using _bob = fixture.registry.announce(() => reportOf('bob.2', { held: 0, tasks: [] }))
      using after = fixture.elsewhere.follow()
      for (const roster of [before, after]) {
        await waitForCount(roster, 2)
        expect(roster.actors.map(({ report }) => report)).toEqual([
          reportOf('ann.1'),
          reportOf('bob.2', { held: 0, tasks: [] }),
        ])
        expect(Math.abs(Date.now() - (roster.actors[0]?.seenAt.getTime() ?? 0))).toBeLessThan(10_000)
      }
    })

    test('a renewed announcement is known at once', async () => {
      await using fixture = await open()
      using roster = fixture.elsewhere.follow()
      let state: ActorReport['state'] = 'ready'
      await using ann = fixture.registry.announce(() => reportOf('ann.1', { state }))
      await waitForCount(roster, 1)
      state = 'draining'
      const renewedAt = performance.now()
      ann.renew()
      await waitFor(
        'draining reported',
        () => roster.actors[0]?.report,
        (report) => report?.state === 'draining',
      )
      expect(performance.now() - renewedAt).toBeLessThan(1000)
    })

    test('a withdrawal is known at once, and does not affect a newer actor of the same name', async () => {
      await using fixture = await open()
      using roster = fixture.elsewhere.follow()
      const ann = fixture.registry.announce(() => reportOf('ann.1'))
      const bob = fixture.registry.announce(() => reportOf('bob.2'))
      await waitForCount(roster, 2)
      const later = reportOf('bob.2', { startedAt: '2026-11-21T11:00:00.000Z' })
      await using _again = fixture.registry.announce(() => later)
      await waitFor(
        'newer actor known',
        () => roster.actors[1]?.report,
        (report) => report?.startedAt === later.startedAt,
      )
      await bob[Symbol.asyncDispose]()
      await ann[Symbol.asyncDispose]()
      await waitForCount(roster, 1)
      expect(roster.actors[0]?.report).toEqual(later)
    })

    test('invalid reports are ignored', async () => {
      await using fixture = await open()
      using roster = fixture.elsewhere.follow()
      await using _bad = fixture.registry.announce(() => reportOf('bad name'))
      await using _good = fixture.registry.announce(() => reportOf('good.1'))
      await waitForCount(roster, 1)
      expect(roster.actors[0]?.report.name).toBe('good.1')
    })
  })
}

async function waitForCount(roster: Roster, count: number): Promise<void> {
  await waitFor(
    `${count} actors known`,
    () => roster.actors,
    (actors) => actors.length === count,
    { timeoutMs: 5000 },
  )
}

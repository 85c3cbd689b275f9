import { describe, expect, test } from 'bun:test'
import type { ActorReport } from '@pixelflow/core/actor'
import type { Registry } from '@pixelflow/core/ports/registry'

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
      await using under = await open()
      using before = under.elsewhere.follow()
      await using _ann = under.registry.announce(() => reportOf('ann.1'))
      await using _bob = under.registry.announce(() => reportOf('bob.2', { held: 0, tasks: [] }))
      using after = under.elsewhere.follow()
      for (const roster of [before, after]) {
        await until(() => roster.actors.length === 2)
        expect(roster.actors.map(({ report }) => report)).toEqual([
          reportOf('ann.1'),
          reportOf('bob.2', { held: 0, tasks: [] }),
        ])
        expect(Math.abs(Date.now() - (roster.actors[0]?.seenAt.getTime() ?? 0))).toBeLessThan(10_000)
      }
    })

    test('a renewed announcement is known at once', async () => {
      await using under = await open()
      using roster = under.elsewhere.follow()
      let state: ActorReport['state'] = 'ready'
      await using ann = under.registry.announce(() => reportOf('ann.1', { state }))
      await until(() => roster.actors.length === 1)
      state = 'draining'
      const renewedAt = performance.now()
      ann.renew()
      await until(() => roster.actors[0]?.report.state === 'draining')
      expect(performance.now() - renewedAt).toBeLessThan(1000)
    })

    test('a withdrawal is known at once, and does not affect a newer actor of the same name', async () => {
      await using under = await open()
      using roster = under.elsewhere.follow()
      const ann = under.registry.announce(() => reportOf('ann.1'))
      const bob = under.registry.announce(() => reportOf('bob.2'))
      await until(() => roster.actors.length === 2)
      const later = reportOf('bob.2', { startedAt: '2026-11-21T11:00:00.000Z' })
      await using _again = under.registry.announce(() => later)
      await until(() => roster.actors[1]?.report.startedAt === later.startedAt)
      await bob[Symbol.asyncDispose]()
      await ann[Symbol.asyncDispose]()
      await until(() => roster.actors.length === 1)
      expect(roster.actors[0]?.report).toEqual(later)
    })

    test('invalid reports are ignored', async () => {
      await using under = await open()
      using roster = under.elsewhere.follow()
      await using _bad = under.registry.announce(() => reportOf('bad name'))
      await using _good = under.registry.announce(() => reportOf('good.1'))
      await until(() => roster.actors.length === 1)
      expect(roster.actors[0]?.report.name).toBe('good.1')
    })
  })
}

async function until(holds: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`The condition did not hold within ${withinMs} ms.`)
    await Bun.sleep(5)
  }
}

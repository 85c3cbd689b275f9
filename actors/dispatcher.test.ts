import { expect, test } from 'bun:test'
import { isFinal } from '@pixelflow/core/event'
import { connect } from '@pixelflow/nats/connection/connect'
import { streamInfo } from '@pixelflow/nats/jetstream/manage'
import type { Running } from '@pixelflow/testkit/process'
import { until } from '@pixelflow/testkit/until'
import { actorHome, photograph } from './testing/actor-processes.ts'
import { openHouse, type House } from './testing/actor-cluster.ts'

/** Actors as processes, one of which lets the bulk jobs in: what its loss costs. */

const office = 'dispatcher-transform'

/** The process in office; waits for one, other than those. */
async function inOffice(house: House, actors: readonly Running[], not: readonly Running[] = []) {
  using roster = house.adapters.registry.follow()
  let found: Running | undefined
  await until(() => {
    // Who begins to listen asks who is there.
    using _ = house.adapters.registry.follow()
    const holds = (pid: number) =>
      roster.actors.some(({ report }) => report.offices?.includes(office) && report.name.endsWith(`.${pid}`))
    found = actors.find((actor) => !not.includes(actor) && holds(actor.pid))
    return found !== undefined
  })
  return found as Running
}

test.each([
  { name: 'killed', end: 'SIGKILL' },
  { name: 'frozen, and comes back when another holds it,', end: 'SIGSTOP' },
] as const)(
  'a dispatcher that is $name costs no task, and none is done twice',
  async ({ end }) => {
    await using house = await openHouse()
    await using home = await actorHome(house)
    const env = { PIXELFLOW_ACTOR_CONCURRENCY: '1' }
    await using one = await home.actor(env)
    await using two = await home.actor(env)
    const actors = [one, two]
    const lost = await inOffice(house, actors)
    const image = await photograph(house, 1200, 900)
    const tasks = await Promise.all(
      Array.from({ length: 60 }, (_, i) => house.submit(image, `resize:${100 + i}`, { lane: 'bulk' })),
    )
    await until(async () => (await house.adapters.backlog.count('transform')) < 55)
    lost.signal(end)
    const next = await inOffice(house, actors, [lost])
    expect(next).not.toBe(lost)
    // The backlog goes on being worked on before the leases of the lost one have run out.
    const left = await house.adapters.backlog.count('transform')
    await until(async () => (await house.adapters.backlog.count('transform')) < Math.max(1, left - 5))
    lost.signal('SIGCONT')
    for (const task of tasks) {
      expect((await house.end(task, 60_000)).kind).toBe('completed')
      const ends = (await house.history(task)).filter(({ event }) => isFinal(event))
      expect(ends).toHaveLength(1)
    }
    await using broker = await connect({ settings: house.settings, name: 'test', log: house.log })
    const count = async (stream: string) => (await streamInfo(broker, stream)).state.messages
    await until(async () => (await count('BACKLOG')) + (await count('JOBS')) === 0)
    if (end === 'SIGSTOP') expect(await inOffice(house, actors)).toBe(next)
  },
  120_000,
)

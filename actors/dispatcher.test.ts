import { expect, test } from 'bun:test'
import { isFinal } from '@pixelflow/core/event'
import { connect } from '@pixelflow/nats/connection/connect'
import { streamInfo } from '@pixelflow/nats/jetstream/jetstream-api'
import type { Running } from '@pixelflow/testkit/process'
import { until } from '@pixelflow/testkit/until'
import { openActorProcesses, uploadSample } from './testing/actor-processes.ts'
import { startActorCluster, type ActorCluster } from './testing/actor-cluster.ts'

/** Actors as processes, of which one is the elected dispatcher: what its loss costs. */

const role = 'dispatcher-transform'

/** Waits for a dispatcher other than those, and returns its process. */
async function findDispatcher(
  cluster: ActorCluster,
  actors: readonly Running[],
  not: readonly Running[] = [],
) {
  using roster = cluster.adapters.registry.follow()
  let found: Running | undefined
  await until(() => {
    // A new follower asks all actors to report.
    using _ = cluster.adapters.registry.follow()
    const holds = (pid: number) =>
      roster.actors.some(({ report }) => report.offices?.includes(role) && report.name.endsWith(`.${pid}`))
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
    await using cluster = await startActorCluster()
    await using processes = await openActorProcesses(cluster)
    const env = { PIXELFLOW_ACTOR_CONCURRENCY: '1' }
    await using one = await processes.actor(env)
    await using two = await processes.actor(env)
    const actors = [one, two]
    const lost = await findDispatcher(cluster, actors)
    const image = await uploadSample(cluster, 1200, 900)
    const tasks = await Promise.all(
      Array.from({ length: 60 }, (_, i) => cluster.submit(image, `resize:${100 + i}`, { lane: 'bulk' })),
    )
    await until(async () => (await cluster.adapters.backlog.count('transform')) < 55)
    lost.signal(end)
    const next = await findDispatcher(cluster, actors, [lost])
    expect(next).not.toBe(lost)
    // The backlog shrinks before the leases of the lost dispatcher's actor expire.
    const left = await cluster.adapters.backlog.count('transform')
    await until(async () => (await cluster.adapters.backlog.count('transform')) < Math.max(1, left - 5))
    lost.signal('SIGCONT')
    for (const task of tasks) {
      expect((await cluster.end(task, 60_000)).kind).toBe('completed')
      const ends = (await cluster.history(task)).filter(({ event }) => isFinal(event))
      expect(ends).toHaveLength(1)
    }
    await using broker = await connect({ settings: cluster.settings, name: 'test', log: cluster.log })
    const count = async (stream: string) => (await streamInfo(broker, stream)).state.messages
    await until(async () => (await count('BACKLOG')) + (await count('JOBS')) === 0)
    if (end === 'SIGSTOP') expect(await findDispatcher(cluster, actors)).toBe(next)
  },
  120_000,
)

import { expect, test } from 'bun:test'
import { isFinal } from '@pixelflow/core/event'
import { connect } from '@pixelflow/nats/connection/connect'
import { readStreamInfo } from '@pixelflow/nats/jetstream/read-stream-info'
import type { RunningProcess } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openActorProcesses } from './testing/actor-processes.ts'
import { startActorCluster, type ActorCluster } from './testing/actor-cluster.ts'

/** The loss of the elected dispatcher, with actors as processes. */

const role = 'dispatcher-transform'

/** Waits until one of these actors is the dispatcher, and returns it. */
async function waitForDispatcher(
  cluster: ActorCluster,
  actors: readonly RunningProcess[],
): Promise<RunningProcess> {
  using roster = cluster.adapters.registry.follow()
  const found = await waitFor('dispatcher elected', () => {
    // A new follower asks all actors to report.
    using _ = cluster.adapters.registry.follow()
    const holdsRole = ({ pid }: RunningProcess) =>
      roster.actors.some(({ report }) => report.leaderOf?.includes(role) && report.name.endsWith(`.${pid}`))
    return actors.find(holdsRole)
  })
  return found as RunningProcess
}

test.each([
  { name: 'killed', end: 'SIGKILL' },
  { name: 'stopped, and continues after another was elected', end: 'SIGSTOP' },
] as const)(
  'no task is lost or done twice when the dispatcher is $name',
  async ({ end }) => {
    await using cluster = await startActorCluster()
    await using processes = await openActorProcesses(cluster)
    const env = { PIXELFLOW_ACTOR_CONCURRENCY: '1' }
    await using one = await processes.actor(env)
    await using two = await processes.actor(env)
    const actors = [one, two]
    const lost = await waitForDispatcher(cluster, actors)
    const image = await cluster.uploadSample(1200, 900)
    const tasks = await Promise.all(
      Array.from({ length: 60 }, (_, i) => cluster.submit(image, `resize:${100 + i}`, { lane: 'bulk' })),
    )
    const countWaiting = () => cluster.adapters.backlog.count('transform')
    await waitFor('jobs admitted', countWaiting, (count) => count < 55)
    lost.signal(end)
    const next = await waitForDispatcher(
      cluster,
      actors.filter((actor) => actor !== lost),
    )
    expect(next).not.toBe(lost)
    // The backlog shrinks before the leases of the lost dispatcher's actor expire.
    const left = await countWaiting()
    await waitFor('more jobs admitted', countWaiting, (count) => count < Math.max(1, left - 5))
    lost.signal('SIGCONT')
    for (const task of tasks) {
      expect((await cluster.end(task, 60_000)).kind).toBe('completed')
      const ends = (await cluster.history(task)).filter(({ event }) => isFinal(event))
      expect(ends).toHaveLength(1)
    }
    await using broker = await connect({ settings: cluster.settings, name: 'test', log: cluster.log })
    const countMessages = (stream: string) => async () =>
      (await readStreamInfo(broker, stream)).state.messages
    for (const stream of ['BACKLOG', 'JOBS'])
      await waitFor(`${stream} empty`, countMessages(stream), (count) => count === 0)
    if (end === 'SIGSTOP') expect(await waitForDispatcher(cluster, actors)).toBe(next)
  },
  120_000,
)

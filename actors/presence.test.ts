import { expect, test } from 'bun:test'
import type { ActorReport } from '@pixelflow/core/actor'
import { jobKinds, liveKinds } from '@pixelflow/core/actor-kinds'
import type { Task } from '@pixelflow/core/task'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createPresence } from './presence.ts'
import { openActorProcesses, slowRecipe } from './testing/actor-processes.ts'
import { startActorCluster } from './testing/actor-cluster.ts'

test('an actor reports its capabilities and its tasks, then that it drains, and leaves the registry', async () => {
  await using cluster = await startActorCluster()
  await using processes = await openActorProcesses(cluster)
  using roster = cluster.adapters.registry.follow()
  const waitForReport = async (
    what: string,
    accept: (report: ActorReport) => boolean,
  ): Promise<ActorReport> => {
    const read = () => {
      // A new follower asks all actors to report, and all followers receive the answers.
      using _ = cluster.adapters.registry.follow()
      return roster.actors.map(({ report }) => report)
    }
    const reports = await waitFor(what, read, (all) => all.some(accept))
    return reports.find(accept) as ActorReport
  }
  const env = {
    PIXELFLOW_ACTOR_CONCURRENCY: '2',
    PIXELFLOW_LIVE_CONCURRENCY: '1',
    PIXELFLOW_DRAIN_TIMEOUT: '30s',
  }
  await using running = await processes.actor(env)
  const idle = await waitForReport('one warm worker reported', ({ children }) => children === 1)
  expect(idle).toMatchObject({
    name: expect.stringMatching(new RegExp(`\\.${running.pid}$`)),
    kinds: jobKinds,
    live: liveKinds,
    capabilities: {
      reads: expect.arrayContaining(['jpeg', 'tiff']),
      writes: expect.arrayContaining(['avif']),
      operations: expect.arrayContaining(['resize', 'blur']),
    },
    state: 'ready',
    slots: 6 * jobKinds.length,
    held: 0,
    tasks: [],
    sessions: 0,
  })
  expect(idle.residentBytes).toBeGreaterThan(20e6)

  const image = await cluster.uploadSample(4500, 3000)
  const tasks = await Promise.all(
    [slowRecipe, `flip/${slowRecipe}`].map((recipe) => cluster.submit(image, recipe)),
  )
  const busy = await waitForReport('two held tasks reported', ({ held }) => held === 2)
  const named = ({ account, id: task }: Task) => ({ account, task, attempt: 1, since: expect.any(String) })
  expect(busy.tasks.toSorted((a, b) => (a.task < b.task ? -1 : 1))).toEqual(
    tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(named),
  )
  running.signal('SIGTERM')
  await waitForReport('draining reported', ({ state }) => state === 'draining')
  for (const task of tasks) expect((await cluster.end(task)).kind).toBe('completed')
  expect(await running.exited).toBe(0)
  // The last report goes through the broker and may arrive after the exit.
  await waitFor(
    'actor withdrawn',
    () => roster.actors,
    (actors) => actors.length === 0,
  )
}, 60_000)

test('an actor with an open circuit breaker reports `resting`', () => {
  const parts = {
    name: 'host.1',
    version: '0.1.0',
    kinds: ['transform'],
    live: [],
    slots: 3,
    workers: 2,
    ledRoles: new Set<string>(),
    startedAt: new Date(),
  }
  const sandboxes = [
    { pids: [], isCircuitOpen: false },
    { pids: [], isCircuitOpen: true },
  ]
  const stop = new AbortController()
  const presence = createPresence({ ...parts, runtimes: [], hosted: [], sandboxes, stop: stop.signal })
  expect(presence().state).toBe('resting')
  stop.abort()
  expect(presence().state).toBe('draining')
})

import { describe, expect, test } from 'bun:test'
import type { Job } from '@pixelflow/core/job'
import { connect } from '@pixelflow/nats/connection/connect'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { streamInfo } from '@pixelflow/nats/jetstream/jetstream-api'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { jobSubject } from '@pixelflow/nats/topology/topology'
import { reportOf } from '@pixelflow/testkit/contracts/registry'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { until } from '@pixelflow/testkit/until'
import { startActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { dispatch, type DispatchOptions } from './dispatch.ts'

/** The dispatcher on a real broker. The tests compare the order of starts, not times. */

const workers = 2
const window = 2 * workers
const quiet = createLogger({ service: 'test', level: 'error', format: 'json' })
const bulkOf = (account: string): Job => sampleJob({ lane: 'bulk', account })

/** Runs a dispatcher, with an announced actor of so many workers. */
function dispatching(
  { leaderElection, backlog, registry }: Adapters,
  options: Partial<DispatchOptions> = {},
) {
  const over = new AbortController()
  const announced = registry.announce(() => reportOf('one.1', { workers }))
  const maxAdmittedOf = () => Number.POSITIVE_INFINITY
  const common = { kind: 'transform', leaderElection, backlog, registry, maxAdmittedOf } as const
  const campaigning = dispatch({ ...common, log: quiet, ...options }, over.signal)
  return {
    async [Symbol.asyncDispose]() {
      over.abort()
      await campaigning
      await announced[Symbol.asyncDispose]()
    },
  }
}

/** Slots of an actor that completes jobs at once; `begun` grows. */
function working({ work }: Adapters, slots = workers + 1) {
  const over = new AbortController()
  const begun: Job[] = []
  const slot = async () => {
    for (;;) {
      const lease = await work.next('transform', over.signal)
      if (lease === null) return
      begun.push(lease.job)
      await Bun.sleep(2)
      await lease.done()
    }
  }
  const all = Promise.all(Array.from({ length: slots }, slot))
  return {
    begun,
    async [Symbol.asyncDispose]() {
      over.abort()
      await all
    },
  }
}

/** Polls the number of bulk jobs in the queue; returns the maximum of all, and of the flood. */
function watching({ backlog }: Adapters) {
  let isOver = false
  const most = { all: 0, ofFlood: 0, looks: 0 }
  const looking = (async () => {
    for (; !isOver; await Bun.sleep(1)) {
      const inside = await backlog.admitted('transform')
      const all = inside.values().reduce((sum, one) => sum + one, 0)
      most.all = Math.max(most.all, all)
      most.ofFlood = Math.max(most.ofFlood, inside.get('flood') ?? 0)
      most.looks += 1
    }
    return most
  })()
  return () => {
    isOver = true
    return looking
  }
}

const submitAll = async ({ queue }: Adapters, jobs: readonly Job[]) => {
  for (let at = 0; at < jobs.length; at += 100) {
    await Promise.all(jobs.slice(at, at + 100).map((job) => queue.submit(job)))
  }
}
/** Waits until the queue and the backlog are empty. */
async function empty(cluster: ActorCluster): Promise<void> {
  await using broker = await brokerOf(cluster)
  const count = async (stream: string) => (await streamInfo(broker, stream)).state.messages
  await until(async () => (await count('JOBS')) + (await count('BACKLOG')) === 0)
}
const tasksOf = (jobs: readonly Job[]) => jobs.map(({ task }) => task).toSorted()
const flood = (count: number) => Array.from({ length: count }, () => bulkOf('flood'))
const brokerOf = ({ settings, log }: ActorCluster) => connect({ settings, name: 'test', log })

describe('the dispatcher', () => {
  test('admits a single job before a flood, and 300 single jobs in turns', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    await submitAll(adapters, flood(1000))
    const watched = watching(adapters)
    await using _ = dispatching(adapters)
    await using slots = working(adapters)
    await until(() => slots.begun.length >= 20)
    const before = new Map<string, number>()
    for (let account = 0; account < 300; account += 1) {
      const job = bulkOf(`single-${account}`)
      await adapters.queue.submit(job)
      before.set(job.account, slots.begun.length)
    }
    await until(() => new Set(slots.begun.map(({ account }) => account)).size === 301)
    const { begun } = slots
    for (const [account, at] of before) {
      const others = begun.slice(
        at,
        begun.findIndex((one) => one.account === account),
      )
      const ofFlood = others.filter((one) => one.account === 'flood').length
      // The jobs that were in the queue, one turn of its own, and those admitted by the round in progress.
      expect(ofFlood, account).toBeLessThanOrEqual(2 * window + 1)
    }
    const most = await watched()
    expect(most.looks).toBeGreaterThan(20)
    expect(most.all).toBeLessThanOrEqual(window)
  }, 60_000)

  test('admits every job once and empties the backlog', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = [...flood(300), ...Array.from({ length: 100 }, (_, i) => bulkOf(`single-${i % 20}`))]
    const half = jobs.length / 2
    await submitAll(adapters, jobs.slice(0, half))
    await using _ = dispatching(adapters)
    await using slots = working(adapters)
    await submitAll(adapters, jobs.slice(half))
    await until(() => slots.begun.length >= jobs.length)
    await empty(cluster)
    expect(tasksOf(slots.begun)).toEqual(tasksOf(jobs))
  }, 60_000)

  test('limits the admitted jobs of an account, and admits other accounts meanwhile', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    await submitAll(adapters, flood(100))
    const watched = watching(adapters)
    await using _ = dispatching(adapters, {
      maxAdmittedOf: (account) => (account === 'flood' ? 1 : Infinity),
    })
    await using slots = working(adapters)
    await until(() => slots.begun.length >= 5)
    const others = Array.from({ length: 30 }, () => bulkOf('other'))
    await submitAll(adapters, others)
    await until(() => slots.begun.length >= 130)
    const most = await watched()
    expect(most.ofFlood).toBe(1)
    expect(most.all).toBeLessThanOrEqual(window)
    await empty(cluster)
  }, 60_000)

  test('skips cancelled jobs', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = flood(200)
    await submitAll(adapters, jobs)
    await using _ = dispatching(adapters)
    await using slots = working(adapters)
    await until(() => slots.begun.length >= 10)
    const cancelled = jobs.slice(40)
    await Promise.all(cancelled.map((job) => adapters.queue.remove(job)))
    const at = slots.begun.length
    const late = bulkOf('late')
    await adapters.queue.submit(late)
    await until(() => tasksOf(slots.begun).includes(late.task))
    await empty(cluster)
    const isCancelled = new Set(tasksOf(cancelled))
    const afterwards = slots.begun.slice(at).filter(({ task }) => isCancelled.has(task))
    // Jobs that were just being admitted; an actor finds that their task has ended.
    expect(afterwards.length).toBeLessThanOrEqual(window)
  }, 60_000)

  test('removes from the backlog what a lost dispatcher has admitted', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = flood(window)
    await submitAll(adapters, jobs)
    await using broker = await brokerOf(cluster)
    for (const job of jobs.slice(0, 2)) await publish(broker, jobSubject(job))
    await using _ = dispatching(adapters)
    await until(async () => (await adapters.backlog.count('transform')) === 0)
    await using slots = working(adapters)
    await until(() => slots.begun.length >= window)
    await empty(cluster)
    expect(tasksOf(slots.begun)).toEqual(tasksOf(jobs))
  })

  test('loses no job while two dispatchers lead', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = flood(300)
    await submitAll(adapters, jobs)
    const always: DispatchOptions['leaderElection'] = { campaign: (_, lead, signal) => lead(signal) }
    await using _ = dispatching(adapters, { leaderElection: always })
    await using _other = dispatching(adapters, { leaderElection: always })
    await using slots = working(adapters)
    await until(() => new Set(tasksOf(slots.begun)).size === jobs.length)
    await empty(cluster)
  }, 60_000)

  test('continues after a restart of the broker', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = flood(200)
    await submitAll(adapters, jobs)
    await using _ = dispatching(adapters)
    await using slots = working(adapters)
    for (const at of [20, 80]) {
      await until(() => slots.begun.length >= at)
      await cluster.nats.kill9()
      await cluster.nats.restart()
    }
    await until(() => new Set(tasksOf(slots.begun)).size === jobs.length, 40_000)
    await empty(cluster)
  }, 60_000)

  test('reports when it becomes the leader, and when it is no longer', async () => {
    await using cluster = await startActorCluster()
    const changes: boolean[] = []
    {
      await using _ = dispatching(cluster.adapters, { onLeaderChange: (isLeader) => changes.push(isLeader) })
      await until(() => changes.length === 1)
    }
    expect(changes).toEqual([true, false])
  })
})

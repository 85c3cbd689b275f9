import { describe, expect, test } from 'bun:test'
import type { Job } from '@pixelflow/core/job'
import { connect } from '@pixelflow/nats/connection/connect'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { readStreamInfo } from '@pixelflow/nats/jetstream/read-stream-info'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { jobSubject } from '@pixelflow/nats/topology/subjects'
import { reportOf } from '@pixelflow/testkit/contracts/registry'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { startActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { admitBulkJobs, type AdmitBulkJobsOptions } from './admit-bulk-jobs.ts'

/** The dispatcher on a real broker. The tests compare the order of starts, not times. */

const workers = 2
const window = 2 * workers
const quiet = createLogger({ service: 'test', level: 'error', format: 'json' })
const bulkOf = (account: string): Job => sampleJob({ lane: 'bulk', account })

/** Starts a dispatcher, with an announced actor of two workers. */
function startDispatcher(
  { leaderElection, backlog, registry }: Adapters,
  options: Partial<AdmitBulkJobsOptions> = {},
  workersOfActor = workers,
) {
  const over = new AbortController()
  const announced = registry.announce(() => reportOf('one.1', { workers: workersOfActor }))
  const maxAdmittedOf = () => Number.POSITIVE_INFINITY
  const common = { kind: 'transform', leaderElection, backlog, registry, maxAdmittedOf } as const
  const admitting = admitBulkJobs({ ...common, log: quiet, ...options }, over.signal)
  return {
    async [Symbol.asyncDispose]() {
      over.abort()
      await admitting
      await announced[Symbol.asyncDispose]()
    },
  }
}

/** Starts the slots of an actor that completes jobs at once; `begun` lists the jobs in the order of their start. */
function startSlots({ jobConsumer }: Adapters, slots = workers + 1) {
  const over = new AbortController()
  const begun: Job[] = []
  const slot = async () => {
    while (!over.signal.aborted) {
      const lease = await jobConsumer.next('transform', over.signal)
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

/**
 * Polls the number of bulk jobs in the queue until the returned function is called, which returns the maximum of all and
 * of the flood.
 */
function watchAdmitted({ backlog }: Adapters) {
  let isOver = false
  const most = { all: 0, ofFlood: 0, polls: 0 }
  const polling = (async () => {
    for (; !isOver; await Bun.sleep(1)) {
      const admitted = await backlog.admitted('transform')
      const all = admitted.values().reduce((sum, one) => sum + one, 0)
      most.all = Math.max(most.all, all)
      most.ofFlood = Math.max(most.ofFlood, admitted.get('flood') ?? 0)
      most.polls += 1
    }
    return most
  })()
  return () => {
    isOver = true
    return polling
  }
}

const submitAll = async ({ queue }: Adapters, jobs: readonly Job[]) => {
  for (let at = 0; at < jobs.length; at += 100) {
    await Promise.all(jobs.slice(at, at + 100).map((job) => queue.submit(job)))
  }
}

/** Waits until the queue and the backlog are empty. */
async function waitForEmptyQueue(cluster: ActorCluster): Promise<void> {
  await using broker = await connectBroker(cluster)
  const read = async () => ({
    jobs: (await readStreamInfo(broker, 'JOBS')).state.messages,
    backlog: (await readStreamInfo(broker, 'BACKLOG')).state.messages,
  })
  await waitFor('queue and backlog empty', read, ({ jobs, backlog }) => jobs + backlog === 0)
}

const waitForEmptyBacklog = ({ backlog }: Adapters) =>
  waitFor(
    'backlog empty',
    () => backlog.count('transform'),
    (count) => count === 0,
  )

const waitForStarts = (slots: { readonly begun: readonly Job[] }, least: number) =>
  waitFor(
    `${least} jobs started`,
    () => slots.begun.length,
    (count) => count >= least,
  )

/** Waits until each of so many tasks has started at least once. */
const waitForTasks = (slots: { readonly begun: readonly Job[] }, count: number, timeoutMs = 15_000) =>
  waitFor(
    `${count} tasks started`,
    () => new Set(tasksOf(slots.begun)).size,
    (size) => size === count,
    { timeoutMs },
  )

const tasksOf = (jobs: readonly Job[]) => jobs.map(({ task }) => task).toSorted()
const flood = (count: number) => Array.from({ length: count }, () => bulkOf('flood'))
const connectBroker = ({ settings, log }: ActorCluster) => connect({ settings, name: 'test', log })

/** A cluster with so many bulk jobs of one account, a dispatcher, and slots. */
async function startFlooded(count: number) {
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await startActorCluster())
  const { adapters } = cluster
  const jobs = flood(count)
  await submitAll(adapters, jobs)
  stack.use(startDispatcher(adapters))
  const slots = stack.use(startSlots(adapters))
  const owned = stack.move()
  return { cluster, adapters, jobs, slots, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

describe('the dispatcher', () => {
  test('admits a single job before a flood, and 300 single jobs in turns', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    await submitAll(adapters, flood(1000))
    const stopWatching = watchAdmitted(adapters)
    await using _ = startDispatcher(adapters)
    await using slots = startSlots(adapters)
    await waitForStarts(slots, 20)
    const before = new Map<string, number>()
    for (let account = 0; account < 300; account += 1) {
      const job = bulkOf(`single-${account}`)
      await adapters.queue.submit(job)
      before.set(job.account, slots.begun.length)
    }
    await waitFor(
      'a job of each account started',
      () => new Set(slots.begun.map(({ account }) => account)).size,
      (size) => size === 301,
    )
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
    const most = await stopWatching()
    expect(most.polls).toBeGreaterThan(20)
    expect(most.all).toBeLessThanOrEqual(window)
  }, 60_000)

  test('admits every job once and empties the backlog', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = [...flood(300), ...Array.from({ length: 100 }, (_, i) => bulkOf(`single-${i % 20}`))]
    const half = jobs.length / 2
    await submitAll(adapters, jobs.slice(0, half))
    await using _ = startDispatcher(adapters)
    await using slots = startSlots(adapters)
    await submitAll(adapters, jobs.slice(half))
    await waitForStarts(slots, jobs.length)
    await waitForEmptyQueue(cluster)
    expect(tasksOf(slots.begun)).toEqual(tasksOf(jobs))
  }, 60_000)

  test('limits the admitted jobs of an account, and admits other accounts meanwhile', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    await submitAll(adapters, flood(100))
    const stopWatching = watchAdmitted(adapters)
    await using _ = startDispatcher(adapters, {
      maxAdmittedOf: (account) => (account === 'flood' ? 1 : Infinity),
    })
    await using slots = startSlots(adapters)
    await waitForStarts(slots, 5)
    const others = Array.from({ length: 30 }, () => bulkOf('other'))
    await submitAll(adapters, others)
    await waitForStarts(slots, 130)
    const most = await stopWatching()
    expect(most.ofFlood).toBe(1)
    expect(most.all).toBeLessThanOrEqual(window)
    await waitForEmptyQueue(cluster)
  }, 60_000)

  test('skips cancelled jobs', async () => {
    await using flooded = await startFlooded(200)
    const { cluster, adapters, jobs, slots } = flooded
    await waitForStarts(slots, 10)
    const cancelled = jobs.slice(40)
    await Promise.all(cancelled.map((job) => adapters.queue.remove(job)))
    const at = slots.begun.length
    const late = bulkOf('late')
    await adapters.queue.submit(late)
    await waitFor('late job started', () => tasksOf(slots.begun).includes(late.task))
    await waitForEmptyQueue(cluster)
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
    await using broker = await connectBroker(cluster)
    for (const job of jobs.slice(0, 2)) await publish(broker, jobSubject(job))
    await using _ = startDispatcher(adapters)
    await waitForEmptyBacklog(adapters)
    await using slots = startSlots(adapters)
    await waitForStarts(slots, window)
    await waitForEmptyQueue(cluster)
    expect(tasksOf(slots.begun)).toEqual(tasksOf(jobs))
  })

  test('loses no job while two dispatchers lead', async () => {
    await using cluster = await startActorCluster()
    const { adapters } = cluster
    const jobs = flood(300)
    await submitAll(adapters, jobs)
    const always: AdmitBulkJobsOptions['leaderElection'] = { campaign: (_, lead, signal) => lead(signal) }
    await using _ = startDispatcher(adapters, { leaderElection: always })
    await using _other = startDispatcher(adapters, { leaderElection: always })
    await using slots = startSlots(adapters)
    await waitForTasks(slots, jobs.length)
    await waitForEmptyQueue(cluster)
  }, 60_000)

  test('continues after a restart of the broker', async () => {
    await using flooded = await startFlooded(200)
    const { cluster, jobs, slots } = flooded
    for (const at of [20, 80]) {
      await waitForStarts(slots, at)
      await cluster.nats.kill9()
      await cluster.nats.restart()
    }
    await waitForTasks(slots, jobs.length, 40_000)
    await waitForEmptyQueue(cluster)
  }, 60_000)

  test('admits a job at once that arrives after a full window has emptied', async () => {
    await using cluster = await startActorCluster()
    const { queue, jobConsumer } = cluster.adapters
    await using _ = startDispatcher(cluster.adapters, { log: cluster.log }, 1)
    const handle = async () => (await jobConsumer.next('transform', AbortSignal.timeout(20_000)))?.done()
    for (let round = 0; round < 3; round += 1) {
      // As many as the window of one worker holds.
      await Promise.all([queue.submit(bulkOf('local')), queue.submit(bulkOf('local'))])
      await Promise.all([handle(), handle()])
      // A job enters the queue before it leaves the backlog.
      await waitForEmptyBacklog(cluster.adapters)
      // The dispatcher handles the notifications of their end before the next round.
      await Bun.sleep(300)
    }
  }, 30_000)

  test('reports when it becomes the leader, and when it is no longer', async () => {
    await using cluster = await startActorCluster()
    const changes: boolean[] = []
    {
      await using _ = startDispatcher(cluster.adapters, {
        onLeaderChange: (isLeader) => changes.push(isLeader),
      })
      await waitFor('leader elected', () => changes.length === 1)
    }
    expect(changes).toEqual([true, false])
  })
})

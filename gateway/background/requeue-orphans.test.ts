import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ActorStatus } from '@pixelflow/core/actor'
import { createEvent } from '@pixelflow/core/event'
import { createFirstJob } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import { connect } from '@pixelflow/nats/connection/connect'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { readStreamInfo } from '@pixelflow/nats/jetstream/read-stream-info'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { dueSubject, retrySubject } from '@pixelflow/nats/topology/subjects'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startNats } from '@pixelflow/testkit/nats'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openReadModel } from '../readmodel/read-model.ts'
import { requeueOrphans, type RequeueTiming } from './requeue-orphans.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'pixelflow-orphans-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const log = createLogger({ service: 'test', level: 'error', format: 'json' })
const soon = () => AbortSignal.timeout(10_000)

/** A broker, its adapters, and a requeue loop with short times. */
async function openFixture() {
  await using scope = new AsyncDisposableStack()
  const nats = scope.use(await startNats())
  const settings = readSettings(natsSettings, nats.env)
  const broker = scope.use(await connect({ settings, name: 'test', log }))
  const adapters = scope.use(await openAdapters({ settings, name: 'test', log }))
  const path = join(folder, `${Bun.randomUUIDv7()}.sqlite`)
  const index = scope.use(
    openReadModel({ path, clock: adapters.clock, retentionMs: 3_600_000, log, onRewound: () => {} }),
  )
  const owned = scope.move()
  return {
    adapters,
    broker,
    /** Starts the loop; `held` are the tasks that actors report. */
    requeue(held: readonly string[] = [], times: Partial<RequeueTiming> = {}) {
      const timing = { everyMs: 20, idleMs: 50, aloneMs: 200, newTaskMs: 50, ...times }
      const stop = new AbortController()
      const roster = { actors: held.map(actorWith) }
      const running = requeueOrphans({ ...adapters, index, roster, log, timing }, stop.signal)
      owned.defer(async () => {
        stop.abort()
        await running
      })
    },
    /** Creates a task, changes it, and adds it to the task list. */
    async createTask({ lane = 'interactive', ...change }: Partial<Task> = {}) {
      const queued = queuedEvent(sampleTask({ lane }))
      let seq = await appendEvent(adapters.events, queued, 0)
      if (change.status !== undefined) {
        const event = createEvent(
          change.status === 'running' ? 'started' : 'completed',
          queued.task,
          change,
          new Date(),
        )
        seq = await appendEvent(adapters.events, event, seq)
      }
      const last = await adapters.eventLog.at(seq)
      if (last === null) throw new Error(`no event at ${seq}`)
      index.apply([last])
      return last.event.task
    },
    async end(task: Task) {
      const last = await adapters.events.last(task.account, task.id)
      const end = createEvent('completed', task, { status: 'completed' }, new Date())
      await appendEvent(adapters.events, end, last?.seq ?? 0)
    },
    count: async (stream: string) => (await readStreamInfo(broker, stream)).state.messages,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function actorWith(task: string): ActorStatus {
  const tasks = [{ account: 'local', task, attempt: 1, since: new Date().toISOString() }]
  return { report: { tasks } as unknown as ActorStatus['report'], seenAt: new Date() }
}

const next = ({ adapters }: Awaited<ReturnType<typeof openFixture>>) =>
  adapters.jobConsumer.next('transform', soon())

test('a task without a job gets one, with its number of attempts', async () => {
  await using fixture = await openFixture()
  const task = await fixture.createTask({ status: 'running', attempt: 2 })
  fixture.requeue()
  expect(await next(fixture)).toMatchObject({ job: createFirstJob(task), attempt: 3 })
}, 20_000)

test('queued jobs, scheduled retries and ended tasks are left alone', async () => {
  await using fixture = await openFixture()
  const [waiting, due] = [await fixture.createTask(), await fixture.createTask()]
  await fixture.createTask({ status: 'completed' })
  await fixture.adapters.queue.submit(createFirstJob(due))
  await (await next(fixture))?.retry(60_000, 1)
  await fixture.adapters.queue.submit(createFirstJob(waiting))
  // No dispatcher runs, so the bulk job stays where it is.
  await fixture.adapters.queue.submit(createFirstJob(await fixture.createTask({ lane: 'bulk' })))
  fixture.requeue()
  const late = await fixture.createTask()
  // It is requeued after all other tasks were checked.
  await waitFor(
    'two queued jobs',
    () => fixture.count('JOBS'),
    (jobs) => jobs === 2,
  )
  expect(await next(fixture)).toMatchObject({ job: createFirstJob(waiting), attempt: 1 })
  expect(await next(fixture)).toMatchObject({ job: createFirstJob(late), attempt: 1 })
  expect(await fixture.count('RETRIES')).toBe(1)
}, 20_000)

test('a delivered job that no actor reports is requeued, one that an actor reports is not', async () => {
  await using fixture = await openFixture()
  const [orphaned, held] = [await fixture.createTask(), await fixture.createTask()]
  await fixture.adapters.queue.submit(createFirstJob(orphaned))
  await fixture.adapters.queue.submit(createFirstJob(held))
  const leases = [await next(fixture), await next(fixture)]
  fixture.requeue([held.id])
  expect(await next(fixture)).toMatchObject({ job: createFirstJob(orphaned), attempt: 1 })
  expect(await fixture.count('JOBS')).toBe(2)
  await leases[1]?.done()
  expect(await fixture.count('JOBS')).toBe(1)
}, 20_000)

test('a due retry that was not forwarded is queued', async () => {
  await using fixture = await openFixture()
  const task = await fixture.createTask({ status: 'running', attempt: 4 })
  const job = createFirstJob(task)
  // A stored retry without a schedule, and a due one that is not forwarded.
  await publish(fixture.broker, retrySubject(job))
  await publish(fixture.broker, dueSubject(job))
  fixture.requeue()
  const lease = await next(fixture)
  expect(lease).toMatchObject({ job, attempt: 5 })
  // The due retry stays while the job is queued, because its actor may be lost.
  await waitFor(
    'one stored retry',
    () => fixture.count('RETRIES'),
    (retries) => retries === 1,
  )
  await fixture.end(task)
  await lease?.done()
  await waitFor(
    'no stored retries',
    () => fixture.count('RETRIES'),
    (retries) => retries === 0,
  )
}, 20_000)

test('jobs of ended tasks are dropped', async () => {
  await using fixture = await openFixture()
  const { adapters } = fixture
  const task = await fixture.createTask({ status: 'completed' })
  await adapters.queue.submit(createFirstJob(task))
  await next(fixture)
  fixture.requeue()
  await waitFor(
    'no jobs',
    () => fixture.count('JOBS'),
    (jobs) => jobs === 0,
  )
}, 20_000)

test('a new task without a job gets one before the round over all tasks reaches it, and only once', async () => {
  await using fixture = await openFixture()
  fixture.requeue([], { idleMs: 3_600_000 })
  const task = await fixture.createTask()
  const lease = await next(fixture)
  expect(lease).toMatchObject({ job: createFirstJob(task), attempt: 1 })
  await lease?.done()
  await stays('queue empty', async () => (await fixture.count('JOBS')) === 0, 200)
}, 20_000)

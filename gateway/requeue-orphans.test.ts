import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ActorStatus } from '@pixelflow/core/actor'
import { eventOf } from '@pixelflow/core/event'
import { firstJob } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import { connect } from '@pixelflow/nats/connection/connect'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { streamInfo } from '@pixelflow/nats/jetstream/jetstream-api'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { dueSubject, retrySubject } from '@pixelflow/nats/topology/topology'
import { startNats } from '@pixelflow/testkit/nats'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { until } from '@pixelflow/testkit/until'
import { openReadModel } from './readmodel/read-model.ts'
import { requeueOrphans } from './requeue-orphans.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'pixelflow-search-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const log = createLogger({ service: 'test', level: 'error', format: 'json' })
const soon = () => AbortSignal.timeout(10_000)

/** A broker of its own, and a search over it that is in a hurry once it has begun. */
async function openHouse() {
  await using parts = new AsyncDisposableStack()
  const nats = parts.use(await startNats())
  const settings = readSettings(natsSettings, nats.env)
  const broker = parts.use(await connect({ settings, name: 'test', log }))
  const adapters = parts.use(await openAdapters({ settings, name: 'test', log }))
  const path = join(folder, `${Bun.randomUUIDv7()}.sqlite`)
  const index = parts.use(
    openReadModel({ path, clock: adapters.clock, retentionMs: 3_600_000, log, onRewound: () => {} }),
  )
  const owned = parts.move()
  return {
    adapters,
    broker,
    /** `held` are the tasks that actors say they have. */
    search(held: readonly string[] = []) {
      const pace = { everyMs: 20, idleMs: 50, aloneMs: 200, outboxMs: 400 }
      const stop = new AbortController()
      const roster = { actors: held.map(actorWith) }
      const searching = requeueOrphans({ ...adapters, index, roster, log, pace }, stop.signal)
      owned.defer(async () => {
        stop.abort()
        await searching
      })
    },
    /** A task that was accepted, and then has become what `change` says; the list knows it. */
    async tell({ lane = 'interactive', ...change }: Partial<Task> = {}) {
      const queued = queuedEvent(sampleTask({ lane }))
      let seq = await adapters.events.append(queued, 0)
      if (change.status !== undefined) {
        const event = eventOf(
          change.status === 'running' ? 'started' : 'completed',
          queued.task,
          change,
          new Date(),
        )
        seq = await adapters.events.append(event, seq)
      }
      const last = await adapters.eventLog.at(seq)
      if (last === null) throw new Error(`Nothing stands at ${seq}.`)
      index.apply([last])
      return last.event.task
    },
    async end(task: Task) {
      const last = await adapters.events.last(task.account, task.id)
      const end = eventOf('completed', task, { status: 'completed' }, new Date())
      await adapters.events.append(end, last?.seq ?? 0)
    },
    count: async (stream: string) => (await streamInfo(broker, stream)).state.messages,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function actorWith(task: string): ActorStatus {
  const tasks = [{ account: 'local', task, attempt: 1, since: new Date().toISOString() }]
  return { report: { tasks } as unknown as ActorStatus['report'], seenAt: new Date() }
}

const next = ({ adapters }: Awaited<ReturnType<typeof openHouse>>) => adapters.work.next('transform', soon())

test('a task that has no job gets one, with the attempts that were made', async () => {
  await using house = await openHouse()
  const task = await house.tell({ status: 'running', attempt: 2 })
  house.search()
  expect(await next(house)).toMatchObject({ job: firstJob(task), attempt: 3 })
}, 20_000)

test('what waits in the queue, or for its next attempt, and what has ended is left alone', async () => {
  await using house = await openHouse()
  const [waiting, due] = [await house.tell(), await house.tell()]
  await house.tell({ status: 'completed' })
  await house.adapters.queue.submit(firstJob(due))
  await (await next(house))?.retry(60_000, 1)
  await house.adapters.queue.submit(firstJob(waiting))
  // Nobody lets it in.
  await house.adapters.queue.submit(firstJob(await house.tell({ lane: 'bulk' })))
  house.search()
  const late = await house.tell()
  // Found only after everything else was passed over.
  await until(async () => (await house.count('JOBS')) === 2)
  expect(await next(house)).toMatchObject({ job: firstJob(waiting), attempt: 1 })
  expect(await next(house)).toMatchObject({ job: firstJob(late), attempt: 1 })
  expect(await house.count('RETRIES')).toBe(1)
}, 20_000)

test('a job that was handed out and that nobody has is queued again, one that somebody has is not', async () => {
  await using house = await openHouse()
  const [forgotten, held] = [await house.tell(), await house.tell()]
  await house.adapters.queue.submit(firstJob(forgotten))
  await house.adapters.queue.submit(firstJob(held))
  const leases = [await next(house), await next(house)]
  house.search([held.id])
  expect(await next(house)).toMatchObject({ job: firstJob(forgotten), attempt: 1 })
  expect(await house.count('JOBS')).toBe(2)
  await leases[1]?.done()
  expect(await house.count('JOBS')).toBe(1)
}, 20_000)

test('a retry whose time has come without anything coming of it is queued', async () => {
  await using house = await openHouse()
  const task = await house.tell({ status: 'running', attempt: 4 })
  const job = firstJob(task)
  // As it is stored, but nothing that the broker takes for a schedule; and one that is due and that nobody brings along.
  await publish(house.broker, retrySubject(job))
  await publish(house.broker, dueSubject(job))
  house.search()
  const lease = await next(house)
  expect(lease).toMatchObject({ job, attempt: 5 })
  // What is due stays as long as the queue holds the job, since whoever has that may be lost.
  await until(async () => (await house.count('RETRIES')) === 1)
  await house.end(task)
  await lease?.done()
  await until(async () => (await house.count('RETRIES')) === 0)
}, 20_000)

test('jobs of tasks that have ended and acceptances that led to nothing go', async () => {
  await using house = await openHouse()
  const { adapters } = house
  const task = await house.tell({ status: 'completed' })
  await adapters.queue.submit(firstJob(task))
  await next(house)
  const stop = new AbortController()
  const reading = (async () => {
    for await (const _ of adapters.outbox.entries(stop.signal));
  })()
  house.search()
  await until(async () => (await house.count('JOBS')) + (await house.count('ACCEPTANCES')) === 0)
  stop.abort()
  await reading
}, 20_000)

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventOf } from '@pixelflow/core/event'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { firstJob } from '@pixelflow/core/job'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { account, startActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import type { Task } from '@pixelflow/core/task'
import type { JobHandler, JobContext } from './job-handler.ts'
import { reconcile } from './reconcile.ts'
import { startRuntime, type Runtime } from './runtime.ts'

/** The runtime with a real broker and work without images. */

const image = Bun.randomUUIDv7()
let cluster: ActorCluster
beforeAll(async () => {
  cluster = await startActorCluster()
}, 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

interface Options {
  readonly maxAttempts?: number
  readonly slots?: number
  readonly interactiveSlots?: number
  readonly actor?: string
}

const always = new AbortController().signal

function start(run: (work: JobContext) => Promise<void>, options: Options = {}): Runtime {
  const handler: JobHandler = { kind: 'transform', ready: async () => always, run }
  const { work: source, events, cancellations, deadLetters } = cluster.adapters
  const rest = { maxAttempts: 3, slots: 2, interactiveSlots: 0, actor: 'one', log: cluster.log, ...options }
  return startRuntime({ source, events, deadLetters, cancellations, handler, ...rest })
}

const letterOf = ({ id }: Task) => cluster.adapters.deadLetters.get(`transform.${account}.${id}`)

const kindsOf = async (task: Parameters<ActorCluster['history']>[0]) =>
  (await cluster.history(task)).map(({ event }) => event.kind)

/** Works until the signal aborts. */
function untilAborted({ signal }: JobContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

describe('an attempt', () => {
  test('appends its events in order with growing progress, and ends the task', async () => {
    await using _ = start(async ({ report, task }) => {
      report('fetched', { progress: 40 })
      report('decoded', { progress: 30 })
      expect(task.actor).toBe('one')
      report('output', { progress: 80 }, 'default')
    })
    const task = await cluster.submit(image, 'flip')
    const last = await cluster.end(task)
    expect(await kindsOf(task)).toEqual(['queued', 'started', 'fetched', 'decoded', 'output', 'completed'])
    const events = (await cluster.history(task)).map(({ event }) => event)
    expect(events.map((e) => e.task.progress)).toEqual([0, 0, 40, 40, 80, 100])
    expect(events[4]?.output).toBe('default')
    expect(last.task).toMatchObject({ status: 'completed', attempt: 1, actor: 'one' })
    expect(last.task.startedAt).toBe(events[1]?.task.startedAt as string)
    expect(last.task.endedAt).toBe(last.at)
    const line = cluster.lines.find((l) => l.includes('task completed') && l.includes(task.id))
    expect(JSON.parse(line ?? '{}')).toMatchObject({ attempt: 1, ms: { total: expect.any(Number) } })
  })

  test.each<[FaultCode]>([['corrupt_image'], ['resource_limit_exceeded'], ['deadline_exceeded']])(
    'ends the task at once when the fault is %s',
    async (code) => {
      let runs = 0
      await using _ = start(async () => {
        runs += 1
        throw new Fault(code, 'It cannot be.', { field: 'steps[0]', cause: new Error('private') })
      })
      const task = await cluster.submit(image, 'flip')
      const last = await cluster.end(task)
      expect(last.kind).toBe('failed')
      expect(last.task.fault).toMatchObject({ code, detail: 'It cannot be.', field: 'steps[0]' })
      expect(JSON.stringify(await cluster.history(task))).not.toContain('private')
      expect(runs).toBe(1)
      expect(await letterOf(task)).toBeNull()
    },
  )

  test('is retried after a retryable fault, and the last attempt decides', async () => {
    let runs = 0
    await using _ = start(async () => {
      runs += 1
      if (runs < 3) throw new Error('a bug, perhaps')
    })
    const task = await cluster.submit(image, 'flip')
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 3 })

    await using __ = start(async () => {
      throw new Fault('storage_failed', 'No answer.', {
        retryAfterMs: 10,
        cause: new Error('disk 7 is away'),
      })
    })
    await _.drain(1000)
    const doomed = await cluster.submit(image, 'flip')
    const last = await cluster.end(doomed)
    expect(last.task).toMatchObject({ status: 'failed', attempt: 3, fault: { code: 'storage_failed' } })
    expect(await letterOf(doomed)).toMatchObject({
      kind: 'transform',
      lane: 'interactive',
      account,
      task: doomed.id,
      stage: 'main',
      attempts: 3,
      actor: 'one',
      cause: {
        report: { code: 'storage_failed', detail: 'No answer.' },
        private: expect.stringContaining('disk 7'),
      },
    })
    expect(await letterOf(task)).toBeNull()
  })

  test('stops when the task is cancelled, also when the notification is lost', async () => {
    const stopped: string[] = []
    await using _ = start(async (work) => {
      await untilAborted(work).catch((error: unknown) => {
        stopped.push(work.task.id)
        throw error
      })
    })
    const task = await cluster.submit(image, 'flip')
    await cluster.until(task, ({ kind }) => kind === 'started')
    const began = performance.now()
    await cluster.cancel(task)
    while (!stopped.includes(task.id)) await Bun.sleep(5)
    expect(performance.now() - began).toBeLessThan(1000)

    const deaf = await cluster.submit(image, 'flip')
    const started = await cluster.until(deaf, ({ kind }) => kind === 'started')
    const seq = (await cluster.adapters.events.last(account, deaf.id))?.seq ?? 0
    await appendEvent(
      cluster.adapters.events,
      eventOf('cancelled', started.task, { status: 'cancelled' }, new Date()),
      seq,
    )
    while (!stopped.includes(deaf.id)) await Bun.sleep(50)
    await Bun.sleep(50)
    expect(await kindsOf(deaf)).toEqual(['queued', 'started', 'cancelled'])
    expect(await cluster.adapters.queue.submit(firstJob(deaf))).toBe('queued')
  }, 20_000)

  test('of a task that was cancelled before does nothing', async () => {
    let runs = 0
    const task = await cluster.submit(image, 'flip', { job: false })
    await cluster.cancel(task)
    await cluster.adapters.queue.submit(firstJob(task))
    await using _ = start(async () => void (runs += 1))
    const other = await cluster.submit(image, 'flip')
    await cluster.end(other)
    expect(runs).toBe(1)
    expect(await kindsOf(task)).toEqual(['queued', 'cancelled'])
  })

  test('stops at a task that another attempt has taken over', async () => {
    const { events } = cluster.adapters
    await using _ = start(async (work) => {
      await cluster.until(work.task, ({ kind }) => kind === 'started')
      const last = await events.last(account, work.task.id)
      const change = { attempt: 9, actor: 'another' }
      await appendEvent(events, eventOf('started', work.task, change, new Date()), last?.seq ?? 0)
      work.report('fetched', { progress: 50 })
      await untilAborted(work)
    })
    const task = await cluster.submit(image, 'flip')
    await cluster.until(task, ({ task: { attempt } }) => attempt === 9)
    while (!cluster.lines.some((l) => l.includes('task taken over') && l.includes(task.id)))
      await Bun.sleep(10)
    expect((await kindsOf(task)).filter((kind) => kind === 'completed' || kind === 'failed')).toEqual([])
    expect(await cluster.adapters.queue.submit(firstJob(task))).toBe('duplicate')
    await cluster.cancel(task)
  })
})

describe('the process', () => {
  test('holds as many jobs as it has slots', async () => {
    let now = 0
    let most = 0
    await using runtime = start(
      async () => {
        most = Math.max(most, (now += 1))
        await Bun.sleep(30)
        now -= 1
      },
      { slots: 3 },
    )
    const tasks = await Promise.all(Array.from({ length: 12 }, () => cluster.submit(image, 'flip')))
    for (const task of tasks) expect((await cluster.end(task)).kind).toBe('completed')
    expect(most).toBe(3)
    expect(runtime.held).toBeLessThanOrEqual(3)
  })

  test('has slots for interactive jobs while bulk work takes all other slots', async () => {
    const bulk = Bun.randomUUIDv7()
    await using _ = start((work) => (work.task.image === bulk ? untilAborted(work) : Promise.resolve()), {
      slots: 2,
      interactiveSlots: 1,
    })
    const long = await Promise.all([1, 2, 3].map(() => cluster.submit(bulk, 'flip', { lane: 'bulk' })))
    for (const _ of long) {
      const { seq } = (await cluster.adapters.backlog.oldest('transform')) ?? {}
      await cluster.adapters.backlog.admit(seq ?? 0)
    }
    const isStarted = (task: Task) => cluster.history(task).then((events) => events.length > 1)
    while ((await Promise.all(long.map(isStarted))).filter(Boolean).length < 2) await Bun.sleep(10)
    for (let i = 0; i < 3; i += 1) {
      expect((await cluster.end(await cluster.submit(image, 'flip'))).kind).toBe('completed')
    }
    expect((await Promise.all(long.map(isStarted))).filter(Boolean)).toHaveLength(2)
    await Promise.all(long.map((task) => cluster.cancel(task)))
  })

  test('drains: finishes what it can in time, releases the rest', async () => {
    const first = start(async (work) => {
      if (work.task.image === image) return Bun.sleep(300)
      await untilAborted(work)
    })
    const short = await cluster.submit(image, 'flip')
    const long = await cluster.submit(Bun.randomUUIDv7(), 'flip')
    await Promise.all([short, long].map((task) => cluster.until(task, ({ kind }) => kind === 'started')))
    const began = performance.now()
    const late = await Promise.all([
      first.drain(600),
      cluster.submit(image, 'flip'),
      cluster.until(short, ({ kind }) => kind === 'completed'),
    ])
    expect(performance.now() - began).toBeLessThan(2000)
    expect(await kindsOf(long)).toEqual(['queued', 'started'])
    expect(await kindsOf(late[1])).toEqual(['queued'])
    await using _ = start(async () => {}, { actor: 'two' })
    expect((await cluster.end(long, 5000)).task).toMatchObject({
      status: 'completed',
      attempt: 1,
      actor: 'two',
    })
    await cluster.end(late[1])
  })
})

test('a task that was accepted and never queued is processed once', async () => {
  const stop = new AbortController()
  let runs = 0
  await using _ = start(async () => void (runs += 1))
  const { outbox, events, queue } = cluster.adapters
  const reconciling = reconcile({ outbox, events, queue, jobOf: firstJob, log: cluster.log }, stop.signal)
  const lost = await cluster.submit(image, 'flip', { job: false })
  const queued = await cluster.submit(image, 'flip')
  expect((await cluster.end(lost)).kind).toBe('completed')
  await cluster.end(queued)
  await Bun.sleep(600)
  expect(runs).toBe(2)
  stop.abort()
  await reconciling
})

import { describe, expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { createFirstJob } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { account, useActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { startTestRuntime } from '../testing/start-test-runtime.ts'
import type { JobContext } from './job-handler.ts'
import type { Runtime, RuntimeOptions } from './runtime.ts'

/** The runtime with a real broker and work without images. */

const image = Bun.randomUUIDv7()
let cluster: ActorCluster
useActorCluster((opened) => (cluster = opened))

const start = (run: (work: JobContext) => Promise<void>, options?: Partial<RuntimeOptions>): Runtime =>
  startTestRuntime(cluster, run, options)

/** Works until the signal aborts. */
function waitForAbort({ signal }: JobContext): Promise<never> {
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
    expect(await cluster.eventKinds(task)).toEqual(completedEventKinds)
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
      expect(await cluster.deadLetter(task)).toBeNull()
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
    expect(await cluster.deadLetter(doomed)).toMatchObject({
      kind: 'transform',
      lane: 'interactive',
      account,
      task: doomed.id,
      stage: 'main',
      attempts: 3,
      actor: 'one',
      fault: { code: 'storage_failed', detail: 'No answer.' },
      internalCause: expect.stringContaining('disk 7'),
    })
    expect(await cluster.deadLetter(task)).toBeNull()
  })

  test('stops when the task is cancelled, also when the notification is lost', async () => {
    const stopped: string[] = []
    await using _ = start(async (work) => {
      await waitForAbort(work).catch((error: unknown) => {
        stopped.push(work.task.id)
        throw error
      })
    })
    const task = await cluster.submit(image, 'flip')
    await cluster.waitForEvent(task, 'started')
    const cancelledAt = performance.now()
    await cluster.cancel(task)
    await waitFor(
      'work stopped',
      () => stopped,
      (ids) => ids.includes(task.id),
    )
    expect(performance.now() - cancelledAt).toBeLessThan(1000)

    const unnotified = await cluster.submit(image, 'flip')
    const started = await cluster.waitForEvent(unnotified, 'started')
    const seq = (await cluster.adapters.events.last(account, unnotified.id))?.seq ?? 0
    await appendEvent(
      cluster.adapters.events,
      createEvent('cancelled', started.task, { status: 'cancelled' }, new Date()),
      seq,
    )
    await waitFor(
      'unnotified work stopped',
      () => stopped,
      (ids) => ids.includes(unnotified.id),
    )
    const submit = () => cluster.adapters.queue.submit(createFirstJob(unnotified))
    await waitFor('job removed from the queue', submit, (result) => result === 'queued')
    expect(await cluster.eventKinds(unnotified)).toEqual(['queued', 'started', 'cancelled'])
  }, 20_000)

  test('of a task that was cancelled before does nothing', async () => {
    let runs = 0
    const task = await cluster.submit(image, 'flip', { job: false })
    await cluster.cancel(task)
    await cluster.adapters.queue.submit(createFirstJob(task))
    await using _ = start(async () => void (runs += 1))
    const other = await cluster.submit(image, 'flip')
    await cluster.end(other)
    expect(runs).toBe(1)
    expect(await cluster.eventKinds(task)).toEqual(['queued', 'cancelled'])
  })

  test('stops at a task that another attempt has taken over', async () => {
    const { events } = cluster.adapters
    await using _ = start(async (work) => {
      await cluster.waitForEvent(work.task, 'started')
      const last = await events.last(account, work.task.id)
      const change = { attempt: 9, actor: 'another' }
      await appendEvent(events, createEvent('started', work.task, change, new Date()), last?.seq ?? 0)
      work.report('fetched', { progress: 50 })
      await waitForAbort(work)
    })
    const task = await cluster.submit(image, 'flip')
    await cluster.waitForLog('task taken over by another attempt', task)
    expect(
      (await cluster.eventKinds(task)).filter((kind) => kind === 'completed' || kind === 'failed'),
    ).toEqual([])
    expect(await cluster.adapters.queue.submit(createFirstJob(task))).toBe('duplicate')
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
    await using _ = start((work) => (work.task.image === bulk ? waitForAbort(work) : Promise.resolve()), {
      slots: 2,
      interactiveSlots: 1,
    })
    const long = await Promise.all([1, 2, 3].map(() => cluster.submit(bulk, 'flip', { lane: 'bulk' })))
    for (const _ of long) {
      const { seq } = (await cluster.adapters.backlog.oldest('transform')) ?? {}
      await cluster.adapters.backlog.admit(seq ?? 0)
    }
    const isStarted = (task: Task) => cluster.history(task).then((events) => events.length > 1)
    const countStarted = async () => (await Promise.all(long.map(isStarted))).filter(Boolean).length
    await waitFor('two bulk jobs started', countStarted, (count) => count === 2)
    for (let i = 0; i < 3; i += 1) {
      expect((await cluster.end(await cluster.submit(image, 'flip'))).kind).toBe('completed')
    }
    expect(await countStarted()).toBe(2)
    await Promise.all(long.map((task) => cluster.cancel(task)))
  })

  test('drains: finishes what it can in time, releases the rest', async () => {
    const first = start(async (work) => {
      if (work.task.image === image) return Bun.sleep(300)
      await waitForAbort(work)
    })
    const short = await cluster.submit(image, 'flip')
    const long = await cluster.submit(Bun.randomUUIDv7(), 'flip')
    await Promise.all([short, long].map((task) => cluster.waitForEvent(task, 'started')))
    const stoppedAt = performance.now()
    const late = await Promise.all([
      first.drain(600),
      cluster.submit(image, 'flip'),
      cluster.waitForEvent(short, 'completed'),
    ])
    expect(performance.now() - stoppedAt).toBeLessThan(2000)
    expect(await cluster.eventKinds(long)).toEqual(['queued', 'started'])
    expect(await cluster.eventKinds(late[1])).toEqual(['queued'])
    await using _ = start(async () => {}, { actor: 'two' })
    expect((await cluster.end(long, 5000)).task).toMatchObject({
      status: 'completed',
      attempt: 1,
      actor: 'two',
    })
    await cluster.end(late[1])
  })
})

import { describe, expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import type { ImageRecord } from '@pixelflow/core/image'
import { createFirstJob } from '@pixelflow/core/job'
import { outputObject } from '@pixelflow/core/task'
import { dropUnreportedOutputs } from '@pixelflow/platform/shared-cache/drop-unreported-outputs'
import { noSharedCache } from '@pixelflow/platform/shared-cache/no-shared-cache'
import type { Events } from '@pixelflow/core/ports/events'
import { connect } from '@pixelflow/nats/connection/connect'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { account, useActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { startTestRuntime } from '../testing/start-test-runtime.ts'
import type { JobContext } from './job-handler.ts'

/** Counting of attempts, and the end after the last one. */

const image = Bun.randomUUIDv7()
let cluster: ActorCluster
useActorCluster((opened) => (cluster = opened))

const start = (
  run: (work: JobContext) => Promise<void>,
  maxAttempts = 3,
  events: Events = cluster.adapters.events,
) => startTestRuntime(cluster, run, { maxAttempts, slots: 1, events })

describe('an attempt', () => {
  test('does not start after too many lost attempts: the task fails', async () => {
    let runs = 0
    const { jobConsumer, events } = cluster.adapters
    const task = await cluster.submit(image, 'flip')
    for (let n = 1; n <= 2; n += 1) {
      const lease = await jobConsumer.next('transform', AbortSignal.timeout(5000))
      expect(lease?.attempt).toBe(n)
      const last = await events.last(account, task.id)
      const change = { status: 'running', attempt: n, actor: 'lost' } as const
      await appendEvent(events, createEvent('started', task, change, new Date()), last?.seq ?? 0)
      await lease?.retry(0, n)
    }
    await using _ = start(async () => void (runs += 1), 2)
    expect((await cluster.end(task)).task).toMatchObject({
      attempt: 2,
      fault: { code: 'attempts_exhausted' },
    })
    expect(await cluster.deadLetter(task)).toMatchObject({
      attempts: 2,
      fault: { code: 'attempts_exhausted' },
    })
    expect(runs).toBe(0)
  })

  test('is retried while its task has no history, because the history may lag behind', async () => {
    const { queue, events } = cluster.adapters
    const at = new Date()
    const task = sampleTask({ account })
    await using _ = start(async () => {})
    await queue.submit(createFirstJob(task))
    await cluster.waitForLog('task scheduled for retry', task)
    await appendEvent(events, createEvent('queued', task, {}, at), 0)
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
  }, 20_000)

  test('is the last one of a task that never gets a history, and its job leaves the queue', async () => {
    const task = sampleTask({ account })
    await cluster.adapters.queue.submit(createFirstJob(task))
    await using _ = start(async () => {}, 2)
    await cluster.waitForLog('job removed; its task has no history', task)
    expect(await cluster.adapters.queue.submit(createFirstJob(task))).toBe('queued')
    await cluster.adapters.queue.remove(createFirstJob(task))
  }, 20_000)

  test('does not count when its job was delivered but not started', async () => {
    const { jobConsumer } = cluster.adapters
    const task = await cluster.submit(image, 'flip')
    for (let n = 1; n <= 4; n += 1) {
      const lease = await jobConsumer.next('transform', AbortSignal.timeout(5000))
      await lease?.retry(0, n)
    }
    await using _ = start(async () => {})
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
  }, 20_000)

  test('ends in a dead letter when the history of its task cannot be read, and delays no other task', async () => {
    await using broker = await connect({ settings: cluster.settings, name: 'test', log: cluster.log })
    const incompatible = createFirstJob({ account, id: Bun.randomUUIDv7(), lane: 'interactive' })
    await publish(broker, `events.${account}._.${incompatible.task}`, '{"version":99}')
    await cluster.adapters.queue.submit(incompatible)
    await using _ = start(async () => {}, 2)
    const task = await cluster.submit(image, 'flip')
    await cluster.end(task)
    const readDeadLetter = () => cluster.deadLetter({ id: incompatible.task })
    expect(await waitFor('dead letter written', readDeadLetter)).toMatchObject({
      attempts: 2,
      fault: { code: 'incompatible_record' },
    })
    const submit = () => cluster.adapters.queue.submit(incompatible)
    await waitFor('job removed from the queue', submit, (result) => result === 'queued')
    await cluster.adapters.queue.remove(incompatible)
  }, 20_000)
})

describe('a first attempt whose job carries the first event', () => {
  const submit = async () => {
    const { queue, events } = cluster.adapters
    const task = await cluster.submit(image, 'flip', { job: false })
    const first = await events.last(account, task.id)
    if (first === null) throw new Error('no first event')
    const record: ImageRecord = {
      id: image,
      account,
      sha256: 'a'.repeat(64),
      bytes: 1000,
      format: 'jpeg',
      width: 10,
      height: 10,
      createdAt: new Date().toISOString(),
    }
    return { task, record, queue: () => queue.submit(createFirstJob(task), { first, image: record }) }
  }

  test('reads nothing, and its events share one entry', async () => {
    const { task, record, queue } = await submit()
    const seen: unknown[] = []
    let reads = 0
    const { events } = cluster.adapters
    const last: Events['last'] = (...args) => ((reads += 1), events.last(...args))
    await using _ = start(
      async (work) => {
        seen.push(work.image)
        work.report('fetched', { progress: 30 })
        work.report('decoded', { progress: 60 })
      },
      3,
      { ...events, last },
    )
    await queue()
    await cluster.end(task)
    const history = await cluster.history(task)
    expect(history.map(({ event }) => [event.kind, event.task.progress])).toEqual([
      ['queued', 0],
      ['started', 0],
      ['fetched', 30],
      ['decoded', 60],
      ['completed', 100],
    ])
    expect(new Set(history.map(({ seq }) => seq)).size).toBe(2)
    expect(seen).toEqual([record])
    expect(reads).toBe(0)
  })

  test('ends without an effect when the task was cancelled before', async () => {
    const { task, queue } = await submit()
    await cluster.cancel(task)
    await queue()
    await using _ = start(async () => {})
    await cluster.waitForLog('task had already ended', task)
    expect(await cluster.eventKinds(task)).toEqual(['queued', 'cancelled'])
  })

  test('reads the record of an image again when the job has waited', async () => {
    const { task, queue } = await submit()
    await queue()
    const queuedAt = performance.now()
    await waitFor(
      'the job older than its copy counts',
      () => performance.now() - queuedAt,
      (ageMs) => ageMs > 1000,
    )
    const seen: unknown[] = []
    await using _ = start(async (work) => void seen.push(work.image))
    await cluster.end(task)
    expect(seen).toEqual([undefined])
  })
})

describe('an attempt whose task ends meanwhile', () => {
  const cases = [
    ['was deleted: nothing stays', 'deleted', ['a'], []],
    ['was cancelled: the reported output stays', 'cancelled', ['a'], ['a']],
  ] as const
  test.each(cases)('drops what it has stored, when the task %s', async (_, kind, reported, kept) => {
    const { events, results } = cluster.adapters
    const task = await cluster.submit(image, { steps: [], outputs: { a: { steps: [] }, b: { steps: [] } } })
    const objectOf = (name: string) => outputObject(account, task.id, 'main', name)
    const stored = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    await using _runtime = startTestRuntime(
      cluster,
      async () => {
        for (const name of ['a', 'b']) {
          const write = await results.begin()
          await write.write(new TextEncoder().encode(name))
          await write.commit(() => objectOf(name))
        }
        stored.resolve()
        await ended.promise
      },
      {
        slots: 1,
        dropUnreportedOutputs: (of, names) =>
          dropUnreportedOutputs({ results, sharedCache: noSharedCache }, of, names),
      },
    )
    await stored.promise
    const last = await cluster.waitForEvent(task, 'started').then(() => events.last(account, task.id))
    const file = { format: 'png', mediaType: 'image/png', width: 1, height: 1, bytes: 1 } as const
    const outputs = reported.map((name) => ({ name, ...file, sha256: 'a'.repeat(64) }))
    const status = 'cancelled'
    await appendEvent(
      events,
      createEvent(kind, last?.event.task ?? task, { status, outputs }, new Date()),
      last?.seq ?? 0,
    )
    ended.resolve()
    await cluster.waitForLog('task had already ended', task)
    const left = await Promise.all(
      ['a', 'b'].map(async (name) => ((await results.stat(objectOf(name))) === null ? [] : [name])),
    )
    expect(left.flat()).toEqual([...kept])
  })
})

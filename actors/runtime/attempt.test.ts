import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventOf } from '@pixelflow/core/event'
import { firstJob } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import { connect } from '@pixelflow/nats/connection/connect'
import { publish } from '@pixelflow/nats/jetstream/publish'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { account, startActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import type { JobHandler, JobContext } from './job-handler.ts'
import { startRuntime, type Runtime } from './runtime.ts'

/** Counting of attempts, and the end after the last one. */

const image = Bun.randomUUIDv7()
let cluster: ActorCluster
beforeAll(async () => {
  cluster = await startActorCluster()
}, 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const always = new AbortController().signal

function start(run: (work: JobContext) => Promise<void>, maxAttempts = 3): Runtime {
  const handler: JobHandler = { kind: 'transform', ready: async () => always, run }
  const { work: source, events, cancellations, deadLetters } = cluster.adapters
  const rest = { maxAttempts, slots: 1, interactiveSlots: 0, actor: 'one', log: cluster.log }
  return startRuntime({ source, events, deadLetters, cancellations, handler, ...rest })
}

const letterOf = ({ id }: Task) => cluster.adapters.deadLetters.get(`transform.${account}.${id}`)

describe('an attempt', () => {
  test('is not started after too many lost ones: the task fails without running', async () => {
    let runs = 0
    const { work, events } = cluster.adapters
    const task = await cluster.submit(image, 'flip')
    for (let n = 1; n <= 2; n += 1) {
      const lease = await work.next('transform', AbortSignal.timeout(5000))
      expect(lease?.attempt).toBe(n)
      const last = await events.last(account, task.id)
      const change = { status: 'running', attempt: n, actor: 'lost' } as const
      await appendEvent(events, eventOf('started', task, change, new Date()), last?.seq ?? 0)
      await lease?.retry(0, n)
    }
    await using _ = start(async () => void (runs += 1), 2)
    expect((await cluster.end(task)).task).toMatchObject({
      attempt: 2,
      fault: { code: 'attempts_exhausted' },
    })
    expect(await letterOf(task)).toMatchObject({
      attempts: 2,
      cause: { report: { code: 'attempts_exhausted' } },
    })
    expect(runs).toBe(0)
  })

  test('whose task has no history is retried, because the history may lag behind', async () => {
    const { queue, events } = cluster.adapters
    const at = new Date()
    const task = sampleTask({ account })
    await using _ = start(async () => {})
    await queue.submit(firstJob(task))
    while (!cluster.lines.some((line) => line.includes(task.id) && line.includes('task scheduled for retry')))
      await Bun.sleep(10)
    await appendEvent(events, eventOf('queued', task, {}, at), 0)
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
  }, 20_000)

  test('whose task never gets a history leaves the queue after the last attempt', async () => {
    const task = sampleTask({ account })
    await cluster.adapters.queue.submit(firstJob(task))
    await using _ = start(async () => {}, 2)
    while (!cluster.lines.some((line) => line.includes(task.id) && line.includes('task had already ended')))
      await Bun.sleep(10)
    expect(await cluster.adapters.queue.submit(firstJob(task))).toBe('queued')
    await cluster.adapters.queue.remove(firstJob(task))
  }, 20_000)

  test('that was delivered but not started does not count', async () => {
    const { work } = cluster.adapters
    const task = await cluster.submit(image, 'flip')
    for (let n = 1; n <= 4; n += 1) {
      const lease = await work.next('transform', AbortSignal.timeout(5000))
      await lease?.retry(0, n)
    }
    await using _ = start(async () => {})
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
  }, 20_000)

  test('at a task whose history cannot be read ends in a dead letter, and delays no other task', async () => {
    await using broker = await connect({ settings: cluster.settings, name: 'test', log: cluster.log })
    const odd = firstJob({ account, id: Bun.randomUUIDv7(), lane: 'interactive' })
    await publish(broker, `events.${account}._.${odd.task}`, '{"version":99}')
    await cluster.adapters.queue.submit(odd)
    await using _ = start(async () => {}, 2)
    const task = await cluster.submit(image, 'flip')
    await cluster.end(task)
    const name = `transform.${account}.${odd.task}`
    while ((await cluster.adapters.deadLetters.get(name)) === null) await Bun.sleep(50)
    expect(await cluster.adapters.deadLetters.get(name)).toMatchObject({
      attempts: 2,
      cause: { report: { code: 'incompatible_record' } },
    })
    await Bun.sleep(100)
    expect(await cluster.adapters.queue.submit(odd)).toBe('queued')
    await cluster.adapters.queue.remove(odd)
  }, 20_000)
})

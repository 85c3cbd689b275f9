import { describe, expect, test } from 'bun:test'
import { pause } from '@pixelflow/core/pause'
import type { JobConsumer } from '@pixelflow/core/ports/queue'
import { queueContract } from '@pixelflow/testkit/contracts/queue'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger, type NatsFixture } from '../testing/nats-fixture.ts'
import { publish } from '../jetstream/publish.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'

queueContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  const over = new AbortController()
  const admitting = admitAll(other, over.signal)
  return {
    ...fixture,
    async [Symbol.asyncDispose]() {
      over.abort()
      await admitting
      await fixture[Symbol.asyncDispose]()
    },
    queue: adapters.queue,
    jobConsumer: adapters.jobConsumer,
    retries: adapters.retries,
    elsewhere: other.jobConsumer,
  }
})

/** Admits every bulk job at once. */
async function admitAll({ backlog }: NatsFixture['adapters'], signal: AbortSignal): Promise<void> {
  for await (const { seq } of backlog.follow('transform', signal)) {
    // Like a dispatcher, tries again while the broker is away.
    while ((await backlog.admit(seq).catch(() => 'full')) === 'full') await pause(50, signal)
  }
}

/** Completes jobs until the signal aborts; `seen` collects their tasks. */
async function slot(jobConsumer: JobConsumer, signal: AbortSignal, seen: string[]): Promise<void> {
  for (
    let lease = await jobConsumer.next('transform', signal);
    lease;
    lease = await jobConsumer.next('transform', signal)
  ) {
    // The time that a job takes.
    await Bun.sleep(5)
    seen.push(lease.job.task)
    await lease.done()
  }
}

test('a full queue rejects jobs until one is done', async () => {
  await using fixture = await openNatsFixture({ env: { PIXELFLOW_MAX_QUEUED: '3' } })
  const { queue, jobConsumer } = fixture.adapters
  const jobs = Array.from({ length: 4 }, () => sampleJob())
  const [first, second, third, fourth] = jobs as [
    (typeof jobs)[0],
    (typeof jobs)[0],
    (typeof jobs)[0],
    (typeof jobs)[0],
  ]
  for (const one of [first, second, third]) expect(await queue.submit(one)).toBe('queued')
  await expect(queue.submit(fourth)).rejects.toMatchObject({
    code: 'queue_full',
    hints: { retryAfterMs: 5000 },
  })
  expect(await queue.submit(first)).toBe('duplicate')
  await (await jobConsumer.next('transform', AbortSignal.timeout(5000)))?.done()
  expect(await queue.submit(fourth)).toBe('queued')
})

test('an invalid job becomes a dead letter and does not block the others', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  await publish(broker, 'jobs.transform.interactive.LOCAL.not-an-id.main', '')
  const job = sampleJob()
  await fixture.adapters.queue.submit(job)
  const lease = await fixture.adapters.jobConsumer.next('transform', AbortSignal.timeout(5000))
  expect(lease?.job).toEqual(job)
  await lease?.done()
  await waitFor(
    'queue empty',
    async () => (await readStreamInfo(broker, 'JOBS')).state.messages,
    (n) => n === 0,
  )
  const { items } = await fixture.adapters.deadLetters.list({ limit: 10 })
  expect(items).toMatchObject([
    {
      kind: 'transform',
      lane: 'interactive',
      account: 'LOCAL',
      task: 'not-an-id',
      stage: 'main',
      attempts: 0,
    },
  ])
})

describe('a broker that dies', () => {
  test('waiting and working slots continue, and every job is done', async () => {
    await using fixture = await openNatsFixture()
    const { adapters, other } = fixture
    const over = new AbortController()
    const seen: string[] = []
    const admitting = admitAll(other, over.signal)
    const slots = [adapters, adapters, other, other].map(({ jobConsumer }) =>
      slot(jobConsumer, over.signal, seen),
    )
    const submitted: string[] = []
    const submit = async () => {
      for (let i = 0; i < 150; i++) {
        const job = sampleJob({ lane: i % 2 === 0 ? 'bulk' : 'interactive' })
        await adapters.queue.submit(job)
        submitted.push(job.task)
        // A steady sender, so that jobs arrive before, during and after the restarts.
        await Bun.sleep(4)
      }
    }
    const submitting = submit()
    for (let i = 0; i < 2; i++) {
      const before = seen.length
      await waitFor(
        'some jobs done',
        () => seen.length,
        (n) => n >= before + 20,
      )
      await fixture.nats.kill9()
      // The broker is away for a while.
      await Bun.sleep(100)
      await fixture.nats.restart()
    }
    await submitting
    await waitFor(
      'all jobs done',
      () => new Set(seen).size,
      (n) => n === 150,
      { timeoutMs: 30_000 },
    )
    over.abort()
    await Promise.all([...slots, admitting])
    expect([...new Set(seen)].toSorted()).toEqual(submitted.toSorted())
  }, 60_000)

  test('a waiting slot gets the first job after the restart at once', async () => {
    await using fixture = await openNatsFixture()
    const waiting = fixture.adapters.jobConsumer.next('transform', AbortSignal.timeout(50_000))
    await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
    const pulls = async () => (await readConsumerInfo(broker, 'JOBS', 'transform-interactive')).num_waiting
    await waitFor('slot waits', pulls, (n) => n > 0)
    await fixture.nats.kill9()
    // The broker is away for a while.
    await Bun.sleep(300)
    await fixture.nats.restart()
    await fixture.other.queue.submit(sampleJob())
    const begin = performance.now()
    expect((await waiting)?.attempt).toBe(1)
    // Well before the pull request from before the restart expires, after 30 seconds.
    expect(performance.now() - begin).toBeLessThan(15_000)
  }, 60_000)

  test('a submission fails when the broker stays away, and health reports why', async () => {
    await using fixture = await openNatsFixture()
    const { queue, health } = fixture.adapters
    await fixture.nats.kill9()
    const begin = performance.now()
    const gone = { code: 'unavailable', hints: { retryAfterMs: 1000 } }
    await expect(queue.submit(sampleJob())).rejects.toMatchObject(gone)
    // Calls without a waiting client retry for 15 seconds.
    expect(performance.now() - begin).toBeLessThan(14_000)
    expect(await health()).toEqual({ isUp: false, reason: 'The broker is not connected.' })
    await fixture.nats.restart()
    await waitFor('broker up', health, ({ isUp }) => isUp)
  }, 30_000)
})

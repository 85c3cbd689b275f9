import { describe, expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import { createFirstJob, type Job } from '@pixelflow/core/job'
import type { BacklogEntry } from '@pixelflow/core/ports/backlog'
import { sampleJob, sampleTask } from '@pixelflow/testkit/tasks'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger, type NatsFixture } from '../testing/nats-fixture.ts'
import { publish } from '../jetstream/publish.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'

const bulkOf = (account: string): Job => sampleJob({ lane: 'bulk', account })
const brokerOf = ({ settings }: NatsFixture) => connect({ settings, name: 'test', log: errorLogger })

/** Follows the backlog and collects its entries in `seen`. */
function follow({ backlog }: NatsFixture['adapters']) {
  const over = new AbortController()
  const seen: BacklogEntry[] = []
  const following = (async () => {
    for await (const waiting of backlog.follow('transform', over.signal)) seen.push(waiting)
  })()
  return {
    seen,
    following,
    async [Symbol.asyncDispose]() {
      over.abort()
      await following.catch(() => {})
    },
  }
}

describe('the backlog', () => {
  test('follows waiting entries, then new ones, and counts them', async () => {
    await using fixture = await openNatsFixture()
    const { adapters, other } = fixture
    expect(await adapters.backlog.oldest('transform')).toBeNull()
    for (const account of ['ann', 'bob', 'ann']) await other.queue.submit(bulkOf(account))
    await using feed = follow(adapters)
    await waitFor(
      'three entries seen',
      () => feed.seen,
      ({ length }) => length === 3,
    )
    await other.queue.submit(bulkOf('cleo'))
    await other.queue.submit(sampleJob())
    await waitFor(
      'four entries seen',
      () => feed.seen,
      ({ length }) => length === 4,
    )
    expect(feed.seen.map(({ account }) => account)).toEqual(['ann', 'bob', 'ann', 'cleo'])
    expect(await adapters.backlog.count('transform')).toBe(4)
    expect((await adapters.backlog.oldest('transform'))?.seq).toBe(feed.seen[0]?.seq)
    expect(await adapters.backlog.admitted('transform')).toEqual(new Map())
  })

  test('keeps kinds separate', async () => {
    await using fixture = await openNatsFixture()
    const { queue, backlog } = fixture.adapters
    await using broker = await brokerOf(fixture)
    await publish(broker, `backlog.other.ann.${Bun.randomUUIDv7()}.main`)
    expect(await backlog.oldest('transform')).toBeNull()
    await queue.submit(bulkOf('bob'))
    await using feed = follow(fixture.adapters)
    await waitFor(
      'entry seen',
      () => feed.seen,
      ({ length }) => length === 1,
    )
    expect(feed.seen).toEqual([{ account: 'bob', seq: 2 }])
    expect((await backlog.oldest('transform'))?.seq).toBe(2)
    expect(await backlog.count('transform')).toBe(1)
  })

  test('admits a job once, even when several processes admit it', async () => {
    await using fixture = await openNatsFixture()
    const { adapters, other } = fixture
    const job = bulkOf('ann')
    await adapters.queue.submit(job)
    const seq = (await adapters.backlog.oldest('transform'))?.seq ?? 0
    const results = await Promise.all([adapters, other, adapters].map(({ backlog }) => backlog.admit(seq)))
    expect(results).toContain('admitted')
    expect(await other.backlog.admit(seq)).toBe('gone')
    expect(await adapters.backlog.admitted('transform')).toEqual(new Map([['ann', 1]]))
    expect(await adapters.backlog.count('transform')).toBe(0)
    const lease = await other.jobConsumer.next('transform', AbortSignal.timeout(5000))
    expect(lease?.job).toEqual(job)
    await lease?.done()
    expect(await adapters.backlog.admitted('transform')).toEqual(new Map())
    expect(await other.jobConsumer.next('transform', AbortSignal.timeout(300))).toBeNull()
  })

  test('keeps no copy of the event and the image, which would be old when the job is admitted', async () => {
    await using fixture = await openNatsFixture()
    const { queue, backlog, jobConsumer } = fixture.adapters
    const task = sampleTask({ account: 'ann', lane: 'bulk' })
    const first = { seq: 1, storedAt: new Date(), event: createEvent('queued', task, {}, new Date()) }
    const createdAt = new Date().toISOString()
    const file = { sha256: 'a'.repeat(64), bytes: 9, format: 'jpeg', width: 1, height: 1 } as const
    const image = { id: task.image, account: 'ann', ...file, createdAt }
    await queue.submit(createFirstJob(task), { first, image })
    await backlog.admit((await backlog.oldest('transform'))?.seq ?? 0)
    const lease = await jobConsumer.next('transform', AbortSignal.timeout(5000))
    expect(lease).toMatchObject({ job: { task: task.id }, attempt: 1 })
    expect(lease?.content).toBeUndefined()
  })

  test('reports a waiting or admitted job as a duplicate', async () => {
    await using fixture = await openNatsFixture()
    const { queue, backlog, jobConsumer } = fixture.adapters
    const job = bulkOf('ann')
    expect(await queue.submit(job)).toBe('queued')
    expect(await queue.submit(job)).toBe('duplicate')
    await backlog.admit((await backlog.oldest('transform'))?.seq ?? 0)
    expect(await queue.submit(job)).toBe('duplicate')
    const lease = await jobConsumer.next('transform', AbortSignal.timeout(5000))
    expect(await queue.submit(job)).toBe('duplicate')
    await lease?.done()
    expect(await queue.submit(job)).toBe('queued')
  })

  test('does not admit a removed job', async () => {
    await using fixture = await openNatsFixture()
    const { queue, backlog } = fixture.adapters
    const [kept, removed] = [bulkOf('ann'), bulkOf('ann')]
    await queue.submit(removed)
    await queue.submit(kept)
    const seq = (await backlog.oldest('transform'))?.seq ?? 0
    await queue.remove(removed)
    expect(await backlog.admit(seq)).toBe('gone')
    expect(await backlog.admitted('transform')).toEqual(new Map())
    // The lag of the consumer is the number of waiting jobs.
    await using broker = await brokerOf(fixture)
    expect(await readConsumerInfo(broker, 'BACKLOG', 'transform-backlog')).toMatchObject({
      num_pending: 1,
      num_ack_pending: 0,
    })
    await queue.remove(kept)
    expect((await readConsumerInfo(broker, 'BACKLOG', 'transform-backlog')).num_pending).toBe(0)
    expect((await readStreamInfo(broker, 'BACKLOG')).state.messages).toBe(0)
  })

  test('reports when the backlog or the queue is full', async () => {
    await using fixture = await openNatsFixture({ env: { PIXELFLOW_MAX_QUEUED: '2' } })
    const { queue, backlog } = fixture.adapters
    await queue.submit(sampleJob())
    await queue.submit(sampleJob())
    await queue.submit(bulkOf('ann'))
    await queue.submit(bulkOf('ann'))
    await expect(queue.submit(bulkOf('bob'))).rejects.toMatchObject({ code: 'queue_full' })
    const seq = (await backlog.oldest('transform'))?.seq ?? 0
    expect(await backlog.admit(seq)).toBe('full')
    expect(await backlog.count('transform')).toBe(2)
  })

  test('calls back when a bulk job is settled, and only then', async () => {
    await using fixture = await openNatsFixture()
    const { queue, backlog, jobConsumer } = fixture.adapters
    let calls = 0
    const unsubscribe = fixture.other.backlog.onJobSettled('transform', () => (calls += 1))
    await queue.submit(sampleJob())
    await queue.submit(bulkOf('ann'))
    await backlog.admit((await backlog.oldest('transform'))?.seq ?? 0)
    const [first, second] = [
      await jobConsumer.next('transform', AbortSignal.timeout(5000)),
      await jobConsumer.next('transform', AbortSignal.timeout(5000)),
    ]
    await first?.done()
    await second?.extend()
    expect([first?.job.lane, second?.job.lane]).toEqual(['interactive', 'bulk'])
    await stays('no call back', () => calls === 0, 100)
    await second?.done()
    await waitFor(
      'call back',
      () => calls,
      (n) => n === 1,
    )
    unsubscribe()
  })

  test('works without the permission to subscribe to acks', async () => {
    await using fixture = await openNatsFixture({ nats: { permissions: 'subscribe: { deny: "$JS.ACK.>" }' } })
    const { backlog, queue } = fixture.adapters
    const unsubscribe = backlog.onJobSettled('transform', () => {})
    await queue.submit(bulkOf('ann'))
    expect(await backlog.count('transform')).toBe(1)
    unsubscribe()
  }, 60_000)

  test('is followed across restarts of the broker, each job once', async () => {
    await using fixture = await openNatsFixture()
    const { adapters, other } = fixture
    await using feed = follow(adapters)
    for (let i = 0; i < 100; i++) {
      await other.queue.submit(bulkOf('ann'))
      if (i % 40 === 20) {
        await fixture.nats.kill9()
        await fixture.nats.restart()
      }
    }
    await waitFor(
      'all entries seen',
      () => feed.seen.length,
      (n) => n >= 100,
    )
    const seqs = feed.seen.map(({ seq }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b))
    expect(seqs).toHaveLength(100)
  }, 60_000)
})

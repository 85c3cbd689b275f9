import { expect, test } from 'bun:test'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { schedule } from './retries.ts'

const within = (ms: number) => AbortSignal.timeout(ms)

test('a scheduled retry is neither pending nor lag, and keeps its attempt count', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const { queue, jobConsumer, retries } = fixture.adapters
  const over = new AbortController()
  const forwarding = [retries.forward(over.signal), fixture.other.retries.forward(over.signal)]
  const job = sampleJob()
  await queue.submit(job)
  const begin = performance.now()
  await (await jobConsumer.next('transform', within(5000)))?.retry(1500, 3)
  const { num_pending, num_ack_pending } = await readConsumerInfo(broker, 'JOBS', 'transform-interactive')
  expect([num_pending, num_ack_pending]).toEqual([0, 0])
  expect((await readStreamInfo(broker, 'JOBS')).state.messages).toBe(0)
  const again = await jobConsumer.next('transform', within(10_000))
  expect(performance.now() - begin).toBeGreaterThan(1400)
  expect(again).toMatchObject({ job, attempt: 4 })
  await again?.done()
  await waitFor(
    'schedule removed',
    async () => (await readStreamInfo(broker, 'RETRIES')).state.messages,
    (n) => n === 0,
  )
  over.abort()
  await Promise.all(forwarding)
}, 30_000)

test('a retry survives when the broker and all forwarding processes stop', async () => {
  await using fixture = await openNatsFixture()
  const { queue, backlog, jobConsumer, retries } = fixture.adapters
  const admitted = async () => (await backlog.admitted('transform')).size
  const job = sampleJob({ lane: 'bulk' })
  await queue.submit(job)
  // It is admitted once; the retry does not wait in the backlog again.
  await backlog.admit((await backlog.oldest('transform'))?.seq ?? 0)
  await (await jobConsumer.next('transform', within(5000)))?.retry(300, 1)
  await fixture.nats.kill9()
  // The retry becomes due while the broker is away, and no process forwards it afterwards.
  await Bun.sleep(500)
  await fixture.nats.restart()
  await waitFor('broker up', fixture.adapters.health, ({ isUp }) => isUp)
  await stays('nothing is queued', async () => (await admitted()) === 0, 1000)
  const over = new AbortController()
  const forwarding = retries.forward(over.signal)
  expect(await jobConsumer.next('transform', within(10_000))).toMatchObject({ job, attempt: 2 })
  over.abort()
  await forwarding
}, 40_000)

test('a retry of a job that is not settled yet waits for it, and is not lost', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const { queue, jobConsumer, retries } = fixture.adapters
  const over = new AbortController()
  const forwarding = retries.forward(over.signal)
  const job = sampleJob()
  await queue.submit(job)
  const lease = await jobConsumer.next('transform', within(5000))
  await schedule(broker, fixture.adapters.clock, job, 1, 0)
  const jobs = async () => (await readStreamInfo(broker, 'JOBS')).state.messages
  await stays('one job is queued', async () => (await jobs()) === 1, 1000)
  await lease?.done()
  expect(await jobConsumer.next('transform', within(5000))).toMatchObject({ job, attempt: 2 })
  over.abort()
  await forwarding
}, 30_000)

test('removing a job removes its retry', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const { queue, jobConsumer } = fixture.adapters
  const [one, other] = [sampleJob(), sampleJob()]
  for (const job of [one, other]) {
    await queue.submit(job)
    await (await jobConsumer.next('transform', within(5000)))?.retry(60_000, 1)
  }
  await queue.remove(one)
  expect((await readStreamInfo(broker, 'RETRIES')).state.messages).toBe(1)
})

test('no job is removed by a purge, which would make consumers of a cluster lose other jobs', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const { queue, jobConsumer } = fixture.adapters
  const requests: string[] = []
  broker.nc.subscribe('$JS.API.STREAM.>', { callback: (_, { subject }) => void requests.push(subject) })
  await broker.nc.flush()
  const [queued, bulk, late] = [sampleJob(), sampleJob({ lane: 'bulk' }), sampleJob()]
  await queue.submit(late)
  await (await jobConsumer.next('transform', within(5000)))?.retry(60_000, 1)
  await queue.submit(queued)
  await queue.submit(bulk)
  for (const job of [queued, bulk, late]) await queue.remove(job)
  for (const stream of ['JOBS', 'BACKLOG', 'RETRIES'])
    expect((await readStreamInfo(broker, stream)).state.messages).toBe(0)
  expect(requests.filter((subject) => subject.includes('.MSG.DELETE.'))).toHaveLength(3)
  expect(requests.filter((subject) => subject.includes('.PURGE.'))).toEqual([])
})

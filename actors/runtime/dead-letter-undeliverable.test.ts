import { expect, test } from 'bun:test'
import { createFirstJob } from '@pixelflow/core/job'
import { connect } from '@pixelflow/nats/connection/connect'
import { readStreamInfo } from '@pixelflow/nats/jetstream/read-stream-info'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { account, useActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { deadLetterUndeliverable } from './dead-letter-undeliverable.ts'

let cluster: ActorCluster
useActorCluster((opened) => (cluster = opened))

const connectBroker = () => connect({ settings: cluster.settings, name: 'test', log: cluster.log })

/** Lowers the delivery limit of the queue. */
async function limitDeliveries(deliveries: number): Promise<void> {
  await using broker = await connectBroker()
  const { config } = (await broker.request('$JS.API.CONSUMER.INFO.JOBS.transform-interactive')).json<{
    config: object
  }>()
  const request = { stream_name: 'JOBS', action: 'update', config: { ...config, max_deliver: deliveries } }
  const path = '$JS.API.CONSUMER.CREATE.JOBS.transform-interactive.jobs.transform.interactive.*.*.*'
  const { error } = (await broker.request(path, JSON.stringify(request))).json<{ error?: unknown }>()
  expect(error).toBeUndefined()
}

test('an undeliverable job is dead-lettered, its task fails, and it leaves the queue', async () => {
  await using broker = await connectBroker()
  await limitDeliveries(2)
  const task = await cluster.submit('01936f2e-7c5e-7abc-9def-0123456789ab', 'flip')
  for (let i = 0; i < 2; i++) {
    await cluster.adapters.jobConsumer.next('transform', AbortSignal.timeout(20_000))
    const info = (await broker.request('$JS.API.CONSUMER.INFO.JOBS.transform-interactive')).json<{
      num_ack_pending: number
    }>()
    expect(info.num_ack_pending).toBe(1)
  }
  // The leases expire; the next pull finds that the delivery limit is reached.
  expect(await cluster.adapters.jobConsumer.next('transform', AbortSignal.timeout(13_000))).toBeNull()
  expect((await readStreamInfo(broker, 'ADVISORIES')).state.messages).toBe(1)
  expect((await readStreamInfo(broker, 'JOBS')).state.messages).toBe(1)

  const stop = new AbortController()
  const { leaderElection, undeliverableJobs, deadLetters, events } = cluster.adapters
  const options = { leaderElection, undeliverableJobs, deadLetters, events, log: cluster.log }
  const deadLettering = [1, 2].map(() => deadLetterUndeliverable(options, stop.signal))
  const last = await cluster.end(task)
  expect(last.task).toMatchObject({ status: 'failed', fault: { code: 'attempts_exhausted' } })
  const countAdvisories = async () => (await readStreamInfo(broker, 'ADVISORIES')).state.messages
  await waitFor('advisories settled', countAdvisories, (count) => count === 0)
  expect((await readStreamInfo(broker, 'JOBS')).state.messages).toBe(0)
  const { items } = await deadLetters.list({ limit: 10 })
  expect(items).toMatchObject([
    { account, task: task.id, attempts: 2, internalCause: expect.stringContaining('deliveries') },
  ])
  expect(await cluster.adapters.queue.submit(createFirstJob(task))).toBe('queued')
  await cluster.adapters.queue.remove(createFirstJob(task))

  // When an operator terminates a message, its job is unknown.
  const gone = await cluster.submit('01936f2e-7c5e-7abc-9def-0123456789ab', 'flip')
  const replied = await broker.nc.request(
    '$JS.API.CONSUMER.MSG.NEXT.JOBS.transform-interactive',
    '{"batch":1,"no_wait":true}',
    // A delivered message has the subject of the job, not that of the inbox.
    { timeout: 5000, noMux: true },
  )
  broker.nc.publish(replied.reply ?? '', '+TERM by hand')
  const [, deadLetter] = await waitFor(
    'second dead letter',
    async () => (await deadLetters.list({ limit: 10 })).items,
    (items) => items.length === 2,
  )
  expect(deadLetter).toMatchObject({ kind: 'transform', lane: 'interactive', account: '_' })
  expect(deadLetter?.internalCause).toContain('by hand')
  await cluster.cancel(gone)
  stop.abort()
  await Promise.all(deadLettering)
}, 90_000)

test('a job that is removed while an actor holds it is not dead-lettered', async () => {
  await using broker = await connectBroker()
  const advisories = async () => (await readStreamInfo(broker, 'ADVISORIES')).state
  const { leaderElection, undeliverableJobs, deadLetters, events, jobConsumer, queue } = cluster.adapters
  const before = (await deadLetters.list({ limit: 10 })).items
  const { last_seq: lastAdvisory } = await advisories()
  const task = await cluster.submit('01936f2e-7c5e-7abc-9def-0123456789ac', 'flip')
  await jobConsumer.next('transform', AbortSignal.timeout(20_000))
  await queue.remove(createFirstJob(task))
  await waitFor('advisory stored', advisories, ({ last_seq }) => last_seq > lastAdvisory)

  const stop = new AbortController()
  const deadLettering = deadLetterUndeliverable(
    { leaderElection, undeliverableJobs, deadLetters, events, log: cluster.log },
    stop.signal,
  )
  await waitFor('advisory settled', advisories, ({ messages }) => messages === 0)
  stop.abort()
  await deadLettering
  expect((await deadLetters.list({ limit: 10 })).items).toEqual(before)
}, 60_000)

import { expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import type { Events } from '@pixelflow/core/ports/events'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startCluster } from '@pixelflow/testkit/cluster'
import { digest, noise } from '@pixelflow/testkit/contracts/blobs'
import { sampleRecord } from '@pixelflow/testkit/contracts/records'
import { queuedEvent, sampleJob, sampleTask } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { connect } from './connect.ts'
import { errorLogger } from '../testing/nats-fixture.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'

/** A cluster of three servers, with the adapters of two processes and another connection. */
async function openClusterFixture() {
  await using stack = new AsyncDisposableStack()
  const { servers, env } = stack.use(await startCluster())
  const settings = readSettings(natsSettings, env)
  const adapters = stack.use(await openAdapters({ settings, name: 'one', log: errorLogger }))
  const other = stack.use(await openAdapters({ settings, name: 'two', log: errorLogger }))
  const broker = stack.use(await connect({ settings, name: 'three', log: errorLogger }))
  const owned = stack.move()
  return { servers, adapters, other, broker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function appendEvents(events: Events, steps: number): Promise<string> {
  const task = sampleTask()
  let seq = await appendEvent(events, queuedEvent(task), 0)
  for (let i = 1; i < steps; i++) {
    seq = await appendEvent(events, createEvent('output', task, { progress: i }, new Date()), seq)
    // Every server returns the event that was just appended.
    expect((await events.last('local', task.id))?.seq).toBe(seq)
  }
  const history = await Array.fromAsync(events.history('local', task.id, 0))
  expect(history.map(({ event }) => event.task.progress)).toEqual(Array.from({ length: steps }, (_, i) => i))
  return task.id
}

test('in a cluster of three, killing one server loses no data and interrupts no work', async () => {
  await using fixture = await openClusterFixture()
  const { adapters, other, broker } = fixture

  const write = await adapters.sources.begin()
  await write.write(noise(3_000_000))
  await write.commit(() => 'a')
  const read = async () => Buffer.concat(await Array.fromAsync((await other.sources.read('a'))?.body ?? []))
  expect(digest(await read())).toBe(digest(noise(3_000_000)))
  const record = sampleRecord()
  expect(await adapters.images.create('local', record.id, record)).toBe(true)
  expect(await other.images.get('local', record.id)).toEqual(record)

  const leave = new AbortController()
  const seen: number[] = []
  const follow = async () => {
    for await (const events of other.eventLog.follow(0, leave.signal))
      seen.push(...events.map(({ seq }) => seq))
  }
  const following = follow()
  const slot = other.jobConsumer.next('transform', AbortSignal.timeout(60_000))
  const appends = Array.from({ length: 10 }, () => appendEvents(adapters.events, 60))
  await waitFor(
    'some events seen',
    () => seen.length,
    (n) => n >= 100,
  )

  // The leader of the event log: appends, reads and the follower need a new one.
  const leader = (await readStreamInfo(broker, 'EVENTS')).cluster?.leader
  const victim = fixture.servers.find(({ port }) => leader === `test-${port}`)
  expect(victim).toBeDefined()
  await victim?.kill9()
  // The server is away for a while.
  await Bun.sleep(1000)
  await victim?.restart()

  await Promise.all(appends)
  await waitFor(
    'all events seen',
    () => seen.length,
    (n) => n === 600,
    { timeoutMs: 30_000 },
  )
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(new Set(seen).size).toBe(600)
  expect(digest(await read())).toBe(digest(noise(3_000_000)))
  const job = sampleJob()
  // A leader election may be running; after a lost answer the job is a duplicate.
  const submitted = await waitFor(
    'job submitted',
    () => adapters.queue.submit(job).catch(() => undefined),
    Boolean,
    { timeoutMs: 30_000 },
  )
  expect(['queued', 'duplicate']).toContain(submitted as string)
  const lease = await slot
  expect(lease?.job).toEqual(job)
  await lease?.done()
  leave.abort()
  await following
}, 120_000)

test('in a cluster of three, each scheduled retry is delivered once, also when the leader of the schedules is killed', async () => {
  await using fixture = await openClusterFixture()
  const { adapters, other, broker } = fixture
  const over = new AbortController()
  const forwarding = [adapters, other].map(({ retries }) => retries.forward(over.signal))
  const jobs = Array.from({ length: 20 }, () => sampleJob())
  for (const job of jobs) await adapters.queue.submit(job)
  for (let i = 0; i < jobs.length; i++)
    await (await adapters.jobConsumer.next('transform', AbortSignal.timeout(20_000)))?.retry(2500, 1)

  const leader = (await readStreamInfo(broker, 'RETRIES')).cluster?.leader
  const victim = fixture.servers.find(({ port }) => leader === `test-${port}`)
  await victim?.kill9()
  const seen: string[] = []
  for (let i = 0; i < jobs.length; i++) {
    const lease = await other.jobConsumer.next('transform', AbortSignal.timeout(30_000))
    expect(lease?.attempt).toBe(2)
    seen.push(lease?.job.task ?? '')
    await lease?.done()
  }
  await victim?.restart()
  expect(seen.toSorted()).toEqual(jobs.map(({ task }) => task).toSorted())
  expect(await other.jobConsumer.next('transform', AbortSignal.timeout(2000))).toBeNull()
  over.abort()
  await Promise.all(forwarding)
}, 120_000)

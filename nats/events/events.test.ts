import { describe, expect, test } from 'bun:test'
import { cp, rename, rm } from 'node:fs/promises'
import { createEvent, type StoredEvent } from '@pixelflow/core/event'
import type { EventLog, Events } from '@pixelflow/core/ports/events'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { eventsContract } from '@pixelflow/testkit/contracts/events'
import { startRelay } from '@pixelflow/testkit/relay'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { bootstrap } from '../topology/bootstrap.ts'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { connect } from '../connection/connect.ts'
import { createEventLog } from './event-log.ts'
import { openNatsFixture, errorLogger, type NatsFixture } from '../testing/nats-fixture.ts'
import { publish } from '../jetstream/publish.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'
import { createLogger } from '@pixelflow/platform/telemetry/logger'

eventsContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, events: adapters.events, elsewhere: other.events, eventLog: adapters.eventLog }
})

/** Appends `steps` events of one task. */
async function appendEvents(events: Events, steps: number): Promise<number[]> {
  const task = sampleTask()
  const seqs = [await appendEvent(events, queuedEvent(task), 0)]
  for (let i = 1; i < steps; i++) {
    seqs.push(
      await appendEvent(events, createEvent('output', task, { progress: i }, new Date()), seqs.at(-1) ?? 0),
    )
  }
  return seqs
}

function follow(log: EventLog, after = 0) {
  const leave = new AbortController()
  const seen: StoredEvent[] = []
  const read = async () => {
    for await (const events of log.follow(after, leave.signal)) seen.push(...events)
  }
  const following = read()
  following.catch(() => {})
  return {
    seen,
    following,
    async [Symbol.asyncDispose]() {
      leave.abort()
      await following.catch(() => {})
    },
  }
}

const brokerOf = ({ settings }: NatsFixture) => connect({ settings, name: 'test', log: errorLogger })

describe('a broker that dies', () => {
  test('appends wait for it, and each event is stored exactly once', async () => {
    await using fixture = await openNatsFixture()
    await using feed = follow(fixture.other.eventLog)
    const appends = Array.from({ length: 30 }, () => appendEvents(fixture.adapters.events, 40))
    for (let i = 0; i < 2; i++) {
      const before = feed.seen.length
      await waitFor(
        'some events seen',
        () => feed.seen.length,
        (n) => n >= before + 50,
      )
      await fixture.nats.kill9()
      // The broker is away for a while.
      await Bun.sleep(150)
      await fixture.nats.restart()
    }
    const written = (await Promise.all(appends)).flat().toSorted((a, b) => a - b)
    expect(new Set(written).size).toBe(1200)
    await waitFor(
      'all events seen',
      () => feed.seen.length,
      (n) => n >= 1200,
    )
    await stays('no event is seen twice', () => feed.seen.length === 1200, 50)
    expect(feed.seen.map(({ seq }) => seq)).toEqual(written)
    const { eventLog } = fixture.adapters
    expect((await eventLog.readHead()).last).toBe(written.at(-1) ?? 0)
  }, 60_000)

  test('an idle follower gets the next event soon after a restart', async () => {
    await using fixture = await openNatsFixture()
    await using feed = follow(fixture.adapters.eventLog)
    await appendEvent(fixture.other.events, queuedEvent(), 0)
    await waitFor(
      'first event seen',
      () => feed.seen.length,
      (n) => n === 1,
    )
    await fixture.nats.kill9()
    await fixture.nats.restart()
    await appendEvent(fixture.other.events, queuedEvent(), 0)
    const begin = performance.now()
    await waitFor(
      'second event seen',
      () => feed.seen.length,
      (n) => n === 2,
    )
    // A consumer of the client library would have waited for 45 seconds.
    expect(performance.now() - begin).toBeLessThan(15_000)
  }, 30_000)
})

describe('the log', () => {
  test('following fails when the log was recreated', async () => {
    await using fixture = await openNatsFixture()
    await appendEvents(fixture.adapters.events, 5)
    const before = await fixture.adapters.eventLog.readHead()
    await using feed = follow(fixture.adapters.eventLog)
    await waitFor(
      'five events seen',
      () => feed.seen.length,
      (n) => n === 5,
    )
    await using broker = await brokerOf(fixture)
    await broker.request('$JS.API.STREAM.DELETE.EVENTS')
    await bootstrap(broker, fixture.settings)
    await appendEvents(fixture.adapters.events, 3)
    await expect(feed.following).rejects.toMatchObject({ code: 'precondition_failed' })
    expect(feed.seen).toHaveLength(5)
    expect((await fixture.adapters.eventLog.readHead()).logId).not.toBe(before.logId)
  }, 20_000)

  test.each([
    ['ends before the last event that the follower has read', 2],
    ['continues with other events', 9],
  ])(
    'following fails when the log was restored from a backup that %s',
    async (_, after) => {
      await using fixture = await openNatsFixture()
      const { nats, other } = fixture
      await using relay = await startRelay(nats.port)
      const env = { ...nats.env, NATS_URL: `nats://127.0.0.1:${relay.port}` }
      const settings = readSettings(natsSettings, env)
      await using adapters = await openAdapters({ settings, name: 'test', log: errorLogger })
      await appendEvents(other.events, 5)
      await nats.kill9()
      const copy = `${nats.store}-copy`
      await cp(nats.store, copy, { recursive: true })
      await nats.restart()
      await using feed = follow(adapters.eventLog)
      await appendEvents(other.events, 5)
      await waitFor(
        'ten events seen',
        () => feed.seen.length,
        (n) => n === 10,
      )

      relay.cut()
      await nats.kill9()
      await rm(nats.store, { recursive: true })
      await rename(copy, nats.store)
      await nats.restart()
      await appendEvents(other.events, after)
      relay.release()
      const failures: unknown[] = []
      feed.following.catch((thrown: unknown) => failures.push(thrown))
      await waitFor('following failed', () => failures.length)
      expect(failures).toMatchObject([{ code: 'precondition_failed' }])
    },
    60_000,
  )

  test('an incompatible event is skipped by the follower, and reported by other reads', async () => {
    await using fixture = await openNatsFixture()
    await using broker = await brokerOf(fixture)
    await publish(broker, 'events.local._.odd', '{"version":99}')
    await appendEvents(fixture.adapters.events, 2)
    const lines: string[] = []
    const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line) })
    await using feed = follow(createEventLog(broker, log))
    await waitFor(
      'readable events seen',
      () => feed.seen.length,
      (n) => n === 2,
    )
    expect(lines.join('')).toContain('incompatible event skipped')
    await expect(fixture.adapters.events.last('local', 'odd')).rejects.toMatchObject({
      code: 'incompatible_record',
    })
  })

  test('an event stored with a former fault code is read with the current one', async () => {
    await using fixture = await openNatsFixture()
    await using broker = await brokerOf(fixture)
    const failed = createEvent('failed', sampleTask(), { status: 'failed' }, new Date())
    const fault = { code: 'out_of_bounds', detail: 'Too much memory.' }
    const stored = { ...failed, task: { ...failed.task, fault } }
    await publish(broker, `events.local._.${failed.task.id}`, JSON.stringify(stored))
    const last = await fixture.adapters.events.last('local', failed.task.id)
    expect(last?.event.task.fault).toEqual({ ...fault, code: 'resource_limit_exceeded' })
  })

  test('neither following nor reading creates a consumer', async () => {
    await using fixture = await openNatsFixture()
    await using broker = await brokerOf(fixture)
    const before = (await readStreamInfo(broker, 'EVENTS')).state.consumer_count
    await appendEvents(fixture.adapters.events, 3)
    await using feed = follow(fixture.adapters.eventLog)
    await waitFor(
      'three events seen',
      () => feed.seen.length,
      (n) => n === 3,
    )
    await Array.fromAsync(fixture.adapters.events.history('local', feed.seen[0]?.event.task.id ?? '', 0))
    expect((await readStreamInfo(broker, 'EVENTS')).state.consumer_count).toBe(before)
  })
})

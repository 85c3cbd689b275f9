import { expect, test } from 'bun:test'
import { deadLetterId } from '@pixelflow/core/dead-letter'
import type { IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import { sampleDeadLetter } from '@pixelflow/testkit/contracts/dead-letters'
import { startNats } from '@pixelflow/testkit/nats'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { connect } from '../connection/connect.ts'
import { createStream } from '../jetstream/create-stream.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { publish } from '../jetstream/publish.ts'
import { natsSettings } from '../nats-settings.ts'
import { openAdapters } from '../open-adapters.ts'
import { errorLogger as log } from '../testing/nats-fixture.ts'

const task = '01936f2e-7c5e-7abc-9def-0123456789ab'

/** A broker with the streams of version 0.1. */
async function openFormerBroker() {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNats())
  const settings = readSettings(natsSettings, nats.env)
  const broker = stack.use(await connect({ settings, name: 'former', log }))
  const shared = { storage: 'file', max_msgs_per_subject: 1, allow_direct: true } as const
  await createStream(broker, {
    ...shared,
    name: 'OFFICES',
    subjects: ['offices.*'],
    storage: 'memory',
    retention: 'limits',
  })
  await createStream(broker, {
    ...shared,
    name: 'ACCEPTANCES',
    subjects: ['accepted.*.*'],
    retention: 'workqueue',
  })
  await createStream(broker, { ...shared, name: 'DEAD', subjects: ['dead.*.*.*'], retention: 'limits' })
  await createStream(broker, { ...shared, name: 'KV_keys', subjects: ['$KV.keys.>'], retention: 'limits' })
  await publish(broker, 'offices.sweeper', 'held another')
  const owned = stack.move()
  return { broker, settings, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('what version 0.1 stored is found under the present names, by processes that start together', async () => {
  await using former = await openFormerBroker()
  const { broker, settings } = former
  const { fault, createdAt: at, internalCause, ...job } = sampleDeadLetter({ task })
  const cause = { report: fault, private: internalCause }
  await publish(broker, `dead.${deadLetterId(job)}`, JSON.stringify({ ...job, cause, at }))
  const record: IdempotencyRecord = { state: 'open', image: task, task, holder: 'a', renewals: 1 }
  // More than a batch.
  const names = Array.from({ length: 1200 }, (_, i) => `key-${i}`)
  await Promise.all(names.map((name) => publish(broker, `$KV.keys.ann.${name}`, JSON.stringify(record))))
  await publish(broker, `accepted.ann.${task}`)

  await using stack = new AsyncDisposableStack()
  const open = () => openAdapters({ settings, name: 'test', log })
  const [adapters] = await Promise.all([open(), open(), open()].map(async (one) => stack.use(await one)))
  if (adapters === undefined) throw new Error('no adapters')

  const { items } = await adapters.deadLetters.list({ limit: 10 })
  expect(items).toEqual([{ ...job, fault, internalCause: 'Error: why', createdAt: at }])
  for (const name of ['key-0', 'key-600', 'key-1199']) {
    expect((await adapters.idempotencyRecords.get('ann', name))?.value).toEqual(record)
  }
  for (const name of ['OFFICES', 'ACCEPTANCES', 'DEAD', 'KV_keys']) {
    await expect(readStreamInfo(broker, name)).rejects.toThrow('stream not found')
  }
}, 60_000)

test('what has been copied and changed since is not overwritten, and a stream of another program stays', async () => {
  await using former = await openFormerBroker()
  const { broker, settings } = former
  await using adapters = await openAdapters({ settings, name: 'test', log })
  const record: IdempotencyRecord = { state: 'open', image: task, task, holder: 'new', renewals: 1 }
  await adapters.idempotencyRecords.compareAndSwap('ann', 'key', record, 0)

  await createStream(broker, {
    name: 'KV_keys',
    subjects: ['$KV.keys.>'],
    retention: 'limits',
    allow_direct: true,
  })
  await publish(broker, '$KV.keys.ann.key', JSON.stringify({ ...record, holder: 'former' }))
  await createStream(broker, { name: 'DEAD', subjects: ['grateful.>'], retention: 'limits' })
  await using _ = await openAdapters({ settings, name: 'test', log })
  expect((await adapters.idempotencyRecords.get('ann', 'key'))?.value.holder).toBe('new')
  expect((await readStreamInfo(broker, 'DEAD')).config.subjects).toEqual(['grateful.>'])
  await expect(readStreamInfo(broker, 'KV_keys')).rejects.toThrow('stream not found')
}, 60_000)

test('a process of version 0.1 that still runs is named, and nothing is copied', async () => {
  await using former = await openFormerBroker()
  const { broker, settings } = former
  const renewing = setInterval(
    () => void publish(broker, 'offices.sweeper', 'held another').catch(() => {}),
    300,
  )
  try {
    await publish(broker, '$KV.keys.ann.key', '{}')
    await expect(openAdapters({ settings, name: 'test', log })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'A process of version 0.1 of PixelFlow is connected to this broker.',
    })
  } finally {
    clearInterval(renewing)
  }
  expect((await readStreamInfo(broker, 'KV_keys')).state.messages).toBe(1)
  expect((await readStreamInfo(broker, 'KV_idempotency')).state.messages).toBe(0)
}, 60_000)

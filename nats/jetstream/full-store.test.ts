import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { queuedEvent, sampleJob } from '@pixelflow/testkit/tasks'
import { assertSuccess, type ApiAnswer } from '../connection/jet-stream-error.ts'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'

const MiB = 2 ** 20
const ballast = {
  name: 'BALLAST',
  subjects: ['ballast'],
  storage: 'file',
  retention: 'limits',
  num_replicas: 1,
}

test('a full store is reported as such, and works again once space is free', async () => {
  await using fixture = await openNatsFixture({ nats: { storeBytes: 16 * MiB } })
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const request = async (subject: string, data: string | Uint8Array = '') =>
    (await broker.request(subject, data)).json<ApiAnswer>()
  assertSuccess(await request('$JS.API.STREAM.CREATE.BALLAST', JSON.stringify(ballast)))
  const fill = async () => (await request('ballast', new Uint8Array(MiB / 2))).error
  let full = await fill()
  for (let i = 0; i < 64 && full === undefined; i++) full = await fill()
  expect(full).toBeDefined()

  const { events, sources, queue } = fixture.adapters
  const store = async () => {
    const write = await sources.begin()
    await write.write(Buffer.alloc(64 * 1024, 'a'))
    return write.commit(() => 'a')
  }
  const refused = await Promise.allSettled([
    appendEvent(events, queuedEvent(), 0),
    queue.submit(sampleJob()),
    store(),
  ])
  for (const one of refused)
    expect(one.status === 'rejected' && Fault.of(one.reason).report()).toMatchObject({
      code: 'storage_failed',
      detail: 'The store is full.',
      remedy: expect.stringContaining('free disk space') as string,
    })

  assertSuccess(await request('$JS.API.STREAM.DELETE.BALLAST'))
  expect(await appendEvent(events, queuedEvent(), 0)).toBeGreaterThan(0)
  expect(await queue.submit(sampleJob())).toBe('queued')
  expect(await store()).toMatchObject({ created: true })
}, 60_000)

import { describe, expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import { outputObject, type Task } from '@pixelflow/core/task'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startWatchedNats } from '@pixelflow/testkit/watched-nats'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { errorLogger } from '../../testing/nats-fixture.ts'
import { openAdapters } from '../../open-adapters.ts'
import { natsSettings } from '../../nats-settings.ts'

const signal = new AbortController().signal
const account = 'local'

/** Opens adapters whose sweeps treat all existing messages as old. */
async function openWatchedAdapters(sweepGraceMs = 0) {
  await using scope = new AsyncDisposableStack()
  const watched = scope.use(await startWatchedNats())
  const settings = readSettings(natsSettings, watched.nats.env)
  const adapters = scope.use(
    await openAdapters({ settings, name: 'test', log: errorLogger, sweepGraceMs, touchAfterMs: 0 }),
  )
  const owned = scope.move()
  return {
    adapters,
    messages: () => watched.messages(),
    sweep: async () => {
      // Afterwards everything is older than now, by the broker's clock.
      await Bun.sleep(20)
      return adapters.sweeper.sweep(signal)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function store(blobs: Blobs, bytes: Uint8Array, name: (sha256: string) => string) {
  const write = await blobs.begin()
  await write.write(bytes)
  return (await write.commit(name)).info
}

function recordOf(sha256: string, bytes: number): ImageRecord {
  const id = Bun.randomUUIDv7()
  const createdAt = new Date().toISOString()
  return { id, account, sha256, bytes, format: 'png', width: 1, height: 1, createdAt }
}

const random = (bytes: number) => crypto.getRandomValues(Buffer.alloc(bytes))

describe('a sweep of images', () => {
  test('keeps bytes while a record refers to them', async () => {
    await using fixture = await openWatchedAdapters()
    const { sources, images } = fixture.adapters
    const bytes = random(40_000)
    const { sha256 } = await store(sources, bytes, (digest) => blobName(account, digest))
    const records = [recordOf(sha256, bytes.length), recordOf(sha256, bytes.length)]
    for (const record of records) await images.create(account, record.id, record)

    expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 0 })
    await images.delete(account, (records[0] as ImageRecord).id)
    expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 0 })
    expect(await sources.stat(blobName(account, sha256))).not.toBeNull()
    await images.delete(account, (records[1] as ImageRecord).id)
    expect(await fixture.sweep()).toEqual({ blobs: 1, orphanedChunks: 0 })
    expect(await sources.stat(blobName(account, sha256))).toBeNull()
    // Nothing but the tombstone is left.
    expect((await fixture.messages())['OBJ_sources']).toBe(1)
    expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 0 })
  })

  test('keeps young bytes without a reference', async () => {
    await using fixture = await openWatchedAdapters(60_000)
    const { sha256 } = await store(fixture.adapters.sources, random(1000), (digest) =>
      blobName(account, digest),
    )
    expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 0 })
    expect(await fixture.adapters.sources.stat(blobName(account, sha256))).not.toBeNull()
  })
})

describe('a sweep of outputs', () => {
  const finished = (sha256: string): Partial<Task> => ({
    status: 'completed',
    progress: 100,
    outputs: [
      { name: 'default', format: 'png', mediaType: 'image/png', bytes: 1000, sha256, width: 1, height: 1 },
    ],
  })

  test('keeps them while their task refers to them or is active, and removes them when it is deleted', async () => {
    await using fixture = await openWatchedAdapters()
    const { results, events } = fixture.adapters
    const task = { ...sampleTask(), account }
    const object = (output: string) => outputObject(account, task.id, 'main', output)
    const seq = await appendEvent(events, queuedEvent(task), 0)
    const { sha256 } = await store(results, random(1000), () => object('default'))
    await store(results, random(1000), () => object('other'))
    expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 0 })

    const done = createEvent('completed', task, finished(sha256), new Date())
    const end = await appendEvent(events, done, seq)
    expect(await fixture.sweep()).toEqual({ blobs: 1, orphanedChunks: 0 })
    expect(await results.stat(object('default'))).not.toBeNull()
    expect(await results.stat(object('other'))).toBeNull()

    await appendEvent(events, createEvent('deleted', done.task, {}, new Date()), end)
    expect(await fixture.sweep()).toEqual({ blobs: 1, orphanedChunks: 0 })
    expect((await fixture.messages())['OBJ_results']).toBe(2)
  })

  test('removes those of an expired task', async () => {
    await using fixture = await openWatchedAdapters()
    await store(fixture.adapters.results, random(1000), () =>
      outputObject(account, 'gone', 'main', 'default'),
    )
    expect(await fixture.sweep()).toEqual({ blobs: 1, orphanedChunks: 0 })
  })
})

test('storing bytes again renews the description, but not the age of the bytes', async () => {
  await using fixture = await openWatchedAdapters(60_000)
  const { sources } = fixture.adapters
  const bytes = random(1000)
  const first = await store(sources, bytes, (digest) => blobName(account, digest))
  // The broker dates messages in milliseconds.
  await Bun.sleep(50)
  const second = await store(sources, bytes, (digest) => blobName(account, digest))
  expect(second.storedAt.getTime()).toBeGreaterThan(first.storedAt.getTime())
  const read = await sources.read(first.name)
  expect(Buffer.concat(await Array.fromAsync(read?.body ?? []))).toEqual(bytes)
  // One chunk, one description: the second upload's own chunk is gone.
  expect((await fixture.messages())['OBJ_sources']).toBe(2)
})

test('a sweep removes the chunks of an abandoned write and keeps those of blobs', async () => {
  await using fixture = await openWatchedAdapters()
  const { sources, images } = fixture.adapters
  const bytes = random(500_000)
  const { sha256 } = await store(sources, bytes, (digest) => blobName(account, digest))
  const record = recordOf(sha256, bytes.length)
  await images.create(account, record.id, record)
  const whole = (await fixture.messages())['OBJ_sources'] as number

  const abandoned = await sources.begin()
  await abandoned.write(random(600_000))
  await waitFor(
    'two chunks of the abandoned write stored',
    async () => (await fixture.messages())['OBJ_sources'],
    (messages = 0) => messages >= whole + 2,
  )
  expect(await fixture.sweep()).toEqual({ blobs: 0, orphanedChunks: 1 })
  expect((await fixture.messages())['OBJ_sources']).toBe(whole)
  const read = await sources.read(blobName(account, sha256))
  expect(Buffer.concat(await Array.fromAsync(read?.body ?? []))).toEqual(bytes)
})

test('a sweep reads more than one page, and stops when the signal aborts', async () => {
  await using fixture = await openWatchedAdapters()
  const { sources } = fixture.adapters
  await Promise.all(
    Array.from({ length: 600 }, (_, i) =>
      store(sources, random(16 + i), (digest) => blobName(account, digest)),
    ),
  )
  const stop = AbortSignal.abort(new Error('enough'))
  await expect(fixture.adapters.sweeper.sweep(stop)).rejects.toThrow('enough')
  expect(await fixture.sweep()).toEqual({ blobs: 600, orphanedChunks: 0 })
}, 60_000)

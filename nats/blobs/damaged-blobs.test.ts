import { expect, test } from 'bun:test'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createBucket, describe, purgeChunks } from './bucket.ts'
import { rollBackPut } from './put-if-absent.ts'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'

/** Blobs whose chunks were removed by another process. */

const random = (bytes: number) => crypto.getRandomValues(Buffer.alloc(bytes))

async function openBucket() {
  await using scope = new AsyncDisposableStack()
  const fixture = scope.use(await openNatsFixture())
  const broker = scope.use(await connect({ settings: fixture.settings, name: 'test', log: errorLogger }))
  const owned = scope.move()
  return {
    blobs: fixture.adapters.sources,
    bucket: createBucket(broker, 'sources', 1),
    messages: async () => (await readStreamInfo(broker, 'OBJ_sources')).state.messages,
    remove: async (seq: number) => {
      await broker.request('$JS.API.STREAM.MSG.DELETE.OBJ_sources', JSON.stringify({ seq }))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function store(blobs: Blobs, bytes: Uint8Array) {
  const write = await blobs.begin()
  await write.write(bytes)
  return write.commit(() => 'a')
}

async function content(blobs: Blobs) {
  const read = await blobs.read('a')
  return Buffer.concat(await Array.fromAsync(read?.body ?? []))
}

test.each([
  ['the first', 1],
  ['one in the middle', 2],
  ['the last', 4],
])('writing the same bytes again repairs a blob that lost %s of its chunks', async (_, seq) => {
  await using under = await openBucket()
  const { blobs } = under
  const bytes = random(1_000_000)
  await store(blobs, bytes)
  await under.remove(seq)
  await expect(content(blobs)).rejects.toMatchObject({ code: 'data_loss' })
  expect(await store(blobs, bytes)).toMatchObject({ created: true })
  expect(Buffer.compare(await content(blobs), bytes)).toBe(0)
  expect(await store(blobs, bytes)).toMatchObject({ created: false })
})

test('a write fails and leaves nothing when some of its chunks were removed', async () => {
  await using under = await openBucket()
  const { blobs, bucket } = under
  const write = await blobs.begin()
  await write.write(random(600_000))
  await waitFor('two chunks stored', under.messages, (messages) => messages === 2)
  const nuids = await bucket.broker.request(
    '$JS.API.STREAM.INFO.OBJ_sources',
    JSON.stringify({ subjects_filter: '>' }),
  )
  const { subjects } = nuids.json<{ state: { subjects: Record<string, number> } }>().state
  await purgeChunks(bucket, Object.keys(subjects)[0]?.split('.').at(-1) ?? '')
  await write.write(random(300_000))
  await expect(write.commit(() => 'a')).rejects.toMatchObject({
    code: 'storage_failed',
    hints: { retryAfterMs: 1000 },
  })
  expect(await blobs.stat('a')).toBeNull()
  // The tombstone.
  expect(await under.messages()).toBe(1)
})

test('a description with all its bytes is not rolled back, because another write may rely on it', async () => {
  await using under = await openBucket()
  const { blobs, bucket } = under
  const bytes = random(400_000)
  await store(blobs, bytes)
  const nuid = (await describe(bucket, 'a'))?.info.nuid ?? ''
  expect(await rollBackPut(bucket, 'a', nuid)).toBe(false)
  expect(Buffer.compare(await content(blobs), bytes)).toBe(0)
  await under.remove(2)
  expect(await rollBackPut(bucket, 'a', nuid)).toBe(true)
  expect(await blobs.stat('a')).toBeNull()
})

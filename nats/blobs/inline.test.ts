import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { maxInlineBytes, type BlobInfo, type Blobs, type ByteRange } from '@pixelflow/core/ports/blobs'
import { digest, noise } from '@pixelflow/testkit/contracts/blobs'
import { createBlobs } from './blobs.ts'
import { connect } from '../connection/connect.ts'
import { trafficOf } from '../testing/traffic-of.ts'
import { errorLogger, openNatsFixture } from '../testing/nats-fixture.ts'

/** Short blobs whose bytes are in their location. */

const missing = () => new Fault('image_not_found', 'missing', { remedy: '' })

async function put(blobs: Blobs, bytes: Uint8Array, mayInline: boolean): Promise<BlobInfo> {
  const write = await blobs.begin()
  await write.write(bytes)
  return (await write.commit((sha256) => `a/${sha256}`, { mediaType: 'image/png' }, { mayInline })).info
}

async function read(blobs: Blobs, info: BlobInfo, range?: ByteRange): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(blobs.readLocated(info, missing, range)))
}

async function openFixture() {
  await using scope = new AsyncDisposableStack()
  const fixture = scope.use(await openNatsFixture())
  const broker = scope.use(await connect({ settings: fixture.settings, name: 'test', log: errorLogger }))
  const blobs = createBlobs(broker, fixture.adapters.clock, 'sources', fixture.settings)
  const owned = scope.move()
  return { blobs, broker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Writes are joined until the end of a turn. */
async function finishWrites(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
}

test('are written and read without a message to the broker, with their digest known before', async () => {
  await using fixture = await openFixture()
  const { blobs, broker } = fixture
  const bytes = noise(maxInlineBytes)
  await finishWrites()
  const before = trafficOf(broker).sent
  const write = await blobs.begin()
  for (let at = 0; at < bytes.length; at += 1000) await write.write(bytes.subarray(at, at + 1000))
  expect(await write.digest()).toBe(digest(bytes))
  const { info, created } = await write.commit((sha256) => `a/${sha256}`, {}, { mayInline: true })
  expect(created).toBe(true)
  expect(info).toMatchObject({ name: `a/${digest(bytes)}`, bytes: bytes.length, sha256: digest(bytes) })
  expect(digest(await read(blobs, info))).toBe(digest(bytes))
  expect(await read(blobs, info, { start: 10, end: 12 })).toEqual(Buffer.from(bytes.subarray(10, 13)))
  await write.abort()
  await finishWrites()
  expect(trafficOf(broker).sent).toBe(before)
  expect(await blobs.stat(info.name)).toBeNull()
})

test.each([
  ['longer ones', maxInlineBytes + 1, true],
  ['short ones whose writer does not allow it', 1000, false],
])('%s are stored', async (_, size, mayInline) => {
  await using fixture = await openFixture()
  const { blobs } = fixture
  const info = await put(blobs, noise(size), mayInline)
  expect((await blobs.stat(info.name))?.sha256).toBe(digest(noise(size)))
  expect(digest(await read(blobs, info))).toBe(digest(noise(size)))
})

test('a range outside of the bytes is a fault, and so are damaged bytes', async () => {
  await using fixture = await openFixture()
  const { blobs } = fixture
  const info = await put(blobs, noise(1000), true)
  await expect(read(blobs, info, { start: 1000, end: 1001 })).rejects.toMatchObject({
    code: 'range_not_satisfiable',
  })
  const damaged = { ...info, location: (await put(blobs, noise(999), true)).location ?? '' }
  await expect(read(blobs, damaged)).rejects.toMatchObject({ code: 'data_loss' })
})

test('nothing is in a location when the record of results may outlive them', async () => {
  await using fixture = await openNatsFixture({
    env: { PIXELFLOW_TASK_RETENTION: '2h', PIXELFLOW_RESULT_RETENTION: '1h' },
  })
  const { results, sources } = fixture.adapters
  const info = await put(results, noise(100), true)
  expect((await results.stat(info.name))?.bytes).toBe(100)
  expect(await sources.stat((await put(sources, noise(100), true)).name)).toBeNull()
})

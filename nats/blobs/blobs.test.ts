import { describe, expect, test } from 'bun:test'
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import { blobsContract, digest, noise } from '@pixelflow/testkit/contracts/blobs'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { freezeProcess } from '@pixelflow/testkit/freeze-process'
import { createBlobs, type BlobsOptions } from './blobs.ts'
import type { Broker } from '../connection/broker.ts'
import { createBucket, describe as describeBlob, putDescription } from './bucket.ts'
import { connect } from '../connection/connect.ts'
import { trafficOf } from '../testing/traffic-of.ts'
import { openNatsFixture, errorLogger, type NatsFixture } from '../testing/nats-fixture.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import type { Layout } from '../topology/streams.ts'

const mebibyte = 1024 * 1024

interface OpenBucket extends AsyncDisposable {
  readonly fixture: NatsFixture
  readonly broker: Broker
  readonly blobs: Blobs
  /** The number of messages in the bucket: chunks and descriptions. */
  pieces(): Promise<number>
}

/** One bucket on a connection of its own, so that its traffic can be watched. */
async function openBucket(options: BlobsOptions & { layout?: Partial<Layout> } = {}): Promise<OpenBucket> {
  await using stack = new AsyncDisposableStack()
  const fixture = stack.use(await openNatsFixture())
  const broker = stack.use(await connect({ settings: fixture.settings, name: 'test', log: errorLogger }))
  const owned = stack.move()
  return {
    fixture,
    broker,
    blobs: createBlobs(
      broker,
      fixture.adapters.clock,
      'sources',
      { ...fixture.settings, ...options.layout },
      options,
    ),
    pieces: async () => (await readStreamInfo(broker, 'OBJ_sources')).state.messages,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function store(blobs: Blobs, name: string, bytes: Uint8Array) {
  const write = await blobs.begin()
  await write.write(bytes)
  return write.commit(() => name)
}

async function content(blobs: Blobs, name: string, range?: { start: number; end: number }) {
  const read = await blobs.read(name, range)
  return Buffer.concat(await Array.fromAsync(read?.body ?? []))
}

blobsContract('nats', openBucket)

describe('the wire format', () => {
  test('the object-store client of NATS reads our blobs', async () => {
    await using opened = await openBucket()
    const own = await new Objm(jetstream(opened.broker.nc)).open('sources')
    for (const size of [0, 5, 3 * mebibyte + 1]) {
      await store(opened.blobs, `ours/${size}`, noise(size))
      const read = await own.getBlob(`ours/${size}`)
      expect(digest(read ?? new Uint8Array(1))).toBe(digest(noise(size)))
    }
    await opened.blobs.delete('ours/5')
    expect(await own.get('ours/5')).toBeNull()
  })

  test('we read and delete blobs of that client, ranges included', async () => {
    await using opened = await openBucket()
    const own = await new Objm(jetstream(opened.broker.nc)).open('sources')
    const bytes = noise(3 * mebibyte + 1)
    await own.putBlob(
      { name: 'theirs', metadata: { mediaType: 'image/png' }, options: { max_chunk_size: 70_000 } },
      bytes,
    )
    expect(await opened.blobs.stat('theirs')).toMatchObject({ bytes: bytes.length, sha256: digest(bytes) })
    expect(digest(await content(opened.blobs, 'theirs'))).toBe(digest(bytes))
    const part = await content(opened.blobs, 'theirs', { start: 69_999, end: 2 * mebibyte })
    expect(digest(part)).toBe(digest(bytes.subarray(69_999, 2 * mebibyte + 1)))
    expect(await opened.blobs.delete('theirs')).toBe(true)
    expect(await own.get('theirs')).toBeNull()
  })
})

describe('bounds', () => {
  test('a stalled reader gets a small window of a 64 MiB blob, and the rest when it continues', async () => {
    await using opened = await openBucket()
    const bytes = noise(64 * mebibyte)
    await store(opened.blobs, 'large', bytes)
    const before = trafficOf(opened.broker).received
    const hasher = new Bun.CryptoHasher('sha256')
    let isFirst = true
    for await (const chunk of (await opened.blobs.read('large'))?.body ?? []) {
      hasher.update(chunk)
      if (!isFirst) continue
      isFirst = false
      const fetched = () => trafficOf(opened.broker).received - before
      await stays('a small window is fetched', () => fetched() < 5 * mebibyte, 500)
    }
    expect(hasher.digest('hex')).toBe(digest(bytes))
  }, 30_000)

  test('many stalled readers share one budget', async () => {
    await using opened = await openBucket({ readMemoryBytes: 4 * mebibyte })
    await store(opened.blobs, 'large', noise(16 * mebibyte))
    const before = trafficOf(opened.broker).received
    const readers = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const body = (await opened.blobs.read('large'))?.body[Symbol.asyncIterator]()
        await body?.next()
        return body
      }),
    )
    // The budget, and for each reader the one chunk that it holds.
    const limit = 4 * mebibyte + 30 * 300_000
    await stays('fetched bytes are limited', () => trafficOf(opened.broker).received - before < limit, 200)
    await Promise.all(readers.map((body) => body?.return?.()))
    expect((await content(opened.blobs, 'large')).length).toBe(16 * mebibyte)
  }, 30_000)

  test('a small range fetches little', async () => {
    await using opened = await openBucket()
    await store(opened.blobs, 'large', noise(16 * mebibyte))
    const before = trafficOf(opened.broker).received
    expect((await content(opened.blobs, 'large', { start: 9_000_000, end: 9_000_999 })).length).toBe(1000)
    expect(trafficOf(opened.broker).received - before).toBeLessThan(300_000)
  })

  test('writes stay within their memory while the broker does not answer', async () => {
    await using opened = await openBucket({ writeMemoryBytes: 2 * mebibyte })
    const writes = await Promise.all(Array.from({ length: 8 }, () => opened.blobs.begin()))
    await freezeProcess(opened.fixture.nats.pid)
    const piece = noise(100_000)
    const feeding = writes.map(async (write) => {
      for (let i = 0; i < 20; i++) await write.write(piece)
    })
    const taken = () => writes.reduce((sum, { bytes }) => sum + bytes, 0)
    await stays('accepted bytes are limited', () => taken() < 2.1 * mebibyte, 500)
    process.kill(opened.fixture.nats.pid, 'SIGCONT')
    await Promise.all(feeding)
    const ends = await Promise.all(writes.map((write, i) => write.commit(() => `w/${i}`)))
    expect(ends.every(({ info }) => info.bytes === 2_000_000)).toBe(true)
  }, 30_000)

  test('incomplete chunks of idle writes are sent when others wait for memory', async () => {
    await using opened = await openBucket({ writeMemoryBytes: mebibyte })
    const idle = await Promise.all(Array.from({ length: 40 }, () => opened.blobs.begin()))
    for (const [i, write] of idle.entries()) await write.write(noise(1000, i))
    await store(opened.blobs, 'busy', noise(3 * mebibyte))
    for (const [i, write] of idle.entries()) {
      await write.write(noise(200_000, 100 + i))
      await write.commit(() => `idle/${i}`)
    }
    for (const i of [0, 20, 39]) {
      const expected = Buffer.concat([noise(1000, i), noise(200_000, 100 + i)])
      expect(digest(await content(opened.blobs, `idle/${i}`))).toBe(digest(expected))
      const part = await content(opened.blobs, `idle/${i}`, { start: 150_000, end: 180_000 })
      expect(digest(part)).toBe(digest(expected.subarray(150_000, 180_001)))
    }
  }, 20_000)

  test('writes that become idle while others wait release their memory', async () => {
    await using opened = await openBucket({ writeMemoryBytes: mebibyte })
    const asleep = await Promise.all(Array.from({ length: 60 }, () => opened.blobs.begin()))
    // More wait than the memory has buffers for: each that is served keeps one, half filled.
    const feeding = asleep.map((write, i) => write.write(noise(150_000, i)))
    let isStored = false
    const awake = store(opened.blobs, 'awake', noise(3 * mebibyte)).then(() => (isStored = true))
    await waitFor('blob stored while other writes are idle', () => isStored, Boolean, { timeoutMs: 8000 })
    await awake
    await Promise.all(feeding)
    await Promise.all(asleep.map((write) => write.abort()))
    expect(await opened.pieces()).toBe(13)
  }, 20_000)

  test('many concurrent readers do not make the connection a slow consumer', async () => {
    await using opened = await openBucket()
    await store(opened.blobs, 'large', noise(12 * mebibyte))
    const readers = Array.from({ length: 40 }, async (_, i) => {
      const read = await opened.blobs.read('large')
      let bytes = 0
      for await (const chunk of read?.body ?? []) {
        bytes += chunk.length
        // A process with other things to do takes what has come a little later.
        if (bytes % (i + 2) === 0) Bun.sleepSync(5)
      }
      return bytes
    })
    expect(new Set(await Promise.all(readers))).toEqual(new Set([12 * mebibyte]))
    expect(opened.fixture.nats.log()).not.toContain('Slow Consumer')
  }, 60_000)

  test('reading creates no lasting consumer', async () => {
    await using opened = await openBucket()
    await store(opened.blobs, 'a', noise(mebibyte))
    for (let i = 0; i < 5; i++) for await (const _ of (await opened.blobs.read('a'))?.body ?? []) break
    expect((await readStreamInfo(opened.broker, 'OBJ_sources')).state.consumer_count).toBe(0)
  })
})

describe('retention', () => {
  test('a blob older than the retention of its images is written again, so that it outlives new records', async () => {
    await using opened = await openBucket({ layout: { imageRetentionMs: 300 } })
    const name = 'local/abc'
    expect((await store(opened.blobs, name, noise(200_000))).created).toBe(true)
    expect((await store(opened.blobs, name, noise(200_000))).created).toBe(false)
    const old = await opened.blobs.stat(name)
    // Longer than the retention.
    await Bun.sleep(350)
    const renewed = await store(opened.blobs, name, noise(200_000))
    expect(renewed.created).toBe(true)
    expect(renewed.info.storedAt.getTime()).toBeGreaterThan(old?.storedAt.getTime() ?? Infinity)
    expect(digest(await content(opened.blobs, name))).toBe(digest(noise(200_000)))
  })
})

describe('damaged blobs', () => {
  test('report bytes that differ from their digest before the end of the read', async () => {
    await using opened = await openBucket()
    await store(opened.blobs, 'a', noise(mebibyte))
    const bucket = createBucket(opened.broker, 'sources', 1)
    const found = await describeBlob(bucket, 'a')
    if (!found) throw new Error('not stored')
    await putDescription(bucket, { ...found.info, digest: `SHA-256=${'A'.repeat(43)}=` }, found.seq)
    await expect(content(opened.blobs, 'a')).rejects.toMatchObject({ code: 'data_loss' })
  })

  test('report a missing chunk, also in ranges', async () => {
    await using opened = await openBucket()
    await store(opened.blobs, 'a', noise(mebibyte))
    await store(opened.blobs, 'b', noise(mebibyte))
    const second = JSON.stringify({ seq: 2 })
    await opened.broker.request('$JS.API.STREAM.MSG.DELETE.OBJ_sources', second)
    await expect(content(opened.blobs, 'a')).rejects.toMatchObject({ code: 'data_loss' })
    const across = { start: 200_000, end: 500_000 }
    await expect(content(opened.blobs, 'a', across)).rejects.toMatchObject({ code: 'data_loss' })
    expect((await content(opened.blobs, 'a', { start: 0, end: 100 })).length).toBe(101)
    expect(digest(await content(opened.blobs, 'b'))).toBe(digest(noise(mebibyte)))
  })
})

test('a description without bytes is not reused by a later write', async () => {
  await using opened = await openBucket()
  await store(opened.blobs, 'a', noise(1000))
  await opened.broker.request('$JS.API.STREAM.MSG.DELETE.OBJ_sources', JSON.stringify({ seq: 1 }))
  await expect(content(opened.blobs, 'a')).rejects.toMatchObject({ code: 'data_loss' })
  expect(await store(opened.blobs, 'a', noise(1000))).toMatchObject({ created: true })
  expect(digest(await content(opened.blobs, 'a'))).toBe(digest(noise(1000)))
})

describe('a broker that dies', () => {
  test('during a write: the write fails and leaves nothing, and the next one works', async () => {
    await using opened = await openBucket()
    const before = await opened.pieces()
    const write = await opened.blobs.begin()
    await write.write(noise(mebibyte))
    await opened.fixture.nats.kill9()
    const failed = (async () => {
      for (let i = 0; i < 200; i++) await write.write(noise(mebibyte))
    })()
    failed.catch(() => {})
    // The broker is away for a while.
    await Bun.sleep(300)
    await opened.fixture.nats.restart()
    await expect(failed).rejects.toMatchObject({ code: 'unavailable' })
    await waitFor('chunks of the failed write removed', opened.pieces, (pieces) => pieces === before)
    await store(opened.blobs, 'a', noise(mebibyte))
    expect((await content(opened.blobs, 'a')).length).toBe(mebibyte)
  }, 30_000)

  test('during a read: the reader gets the rest', async () => {
    await using opened = await openBucket()
    const bytes = noise(16 * mebibyte)
    await store(opened.blobs, 'a', bytes)
    const hasher = new Bun.CryptoHasher('sha256')
    let chunks = 0
    for await (const chunk of (await opened.blobs.read('a'))?.body ?? []) {
      hasher.update(chunk)
      if (++chunks === 20) await opened.fixture.nats.kill9()
      if (chunks === 21) setTimeout(() => void opened.fixture.nats.restart(), 300)
    }
    expect(hasher.digest('hex')).toBe(digest(bytes))
  }, 30_000)
})

import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import type { BlobInfo, Blobs, BlobWrite, ByteRange, LocatedBlob } from '@pixelflow/core/ports/blobs'

/** An adapter under test. */
export interface BlobsUnderTest extends AsyncDisposable {
  readonly blobs: Blobs
  /** The number of stored messages, to detect leftovers. */
  pieces(): Promise<number>
}

const mebibyte = 1024 * 1024

/** Registers the tests that every adapter of `Blobs` must pass. */
export function blobsContract(name: string, open: () => Promise<BlobsUnderTest>): void {
  describe(`${name}: blobs contract`, () => {
    test.each([0, 1, 65_536, mebibyte / 2, mebibyte / 2 + 1, 3 * mebibyte - 1, 5 * mebibyte])(
      'returns %d bytes unchanged',
      async (size) => {
        await using fixture = await open()
        const bytes = noise(size)
        const { info, created } = await store(fixture.blobs, 'a/b', bytes, { mediaType: 'image/png' })
        const metadata = { mediaType: 'image/png' }
        expect(created).toBe(true)
        expect(info).toMatchObject({ name: 'a/b', bytes: size, sha256: digest(bytes), metadata })
        expect(Math.abs(Date.now() - info.storedAt.getTime())).toBeLessThan(5000)
        const found = await fixture.blobs.stat('a/b')
        expect(found).toMatchObject({ name: 'a/b', bytes: size, sha256: digest(bytes), metadata })
        expect(digest(await content(fixture.blobs, 'a/b'))).toBe(digest(bytes))
      },
    )

    test('a missing blob is null', async () => {
      await using fixture = await open()
      expect(await fixture.blobs.stat('a/none')).toBeNull()
      expect(await fixture.blobs.read('a/none')).toBeNull()
      expect(await fixture.blobs.delete('a/none')).toBe(false)
    })

    test('nothing is readable before the commit, and the name may depend on the digest', async () => {
      await using fixture = await open()
      const write = await fixture.blobs.begin()
      await write.write(new TextEncoder().encode('hello'))
      expect(write.bytes).toBe(5)
      const name = `a/${digest(new TextEncoder().encode('hello'))}`
      expect(await fixture.blobs.stat(name)).toBeNull()
      await write.commit((sha256) => `a/${sha256}`)
      expect((await fixture.blobs.stat(name))?.bytes).toBe(5)
    })

    test('the digest is known before the end, and a commit or an abort may follow it', async () => {
      await using fixture = await open()
      for (const size of [0, 1000, 3 * mebibyte + 5]) {
        const bytes = noise(size)
        const before = await fixture.pieces()
        const dropped = await begun(fixture.blobs, bytes)
        expect(await dropped.digest()).toBe(digest(bytes))
        await dropped.abort()
        expect(await fixture.pieces()).toBe(before)
        const kept = await begun(fixture.blobs, bytes)
        expect(await kept.digest()).toBe(digest(bytes))
        const { info } = await kept.commit((sha256) => `a/${sha256}`)
        expect(info).toMatchObject({ name: `a/${digest(bytes)}`, bytes: size, sha256: digest(bytes) })
        expect((await content(fixture.blobs, info.name)).length).toBe(size)
      }
    })

    test('names may contain any characters', async () => {
      await using fixture = await open()
      const names = ['a/b', 'a/b/c', 'a b', 'ä/😀', '*', 'a>b', 'x'.repeat(200)]
      for (const name of names) await store(fixture.blobs, name, new TextEncoder().encode(name))
      for (const name of names) {
        expect(new TextDecoder().decode(await content(fixture.blobs, name))).toBe(name)
      }
    })

    test('an aborted write leaves nothing at any size', async () => {
      await using fixture = await open()
      const before = await fixture.pieces()
      for (const size of [0, 10, mebibyte, 3 * mebibyte + 5]) {
        const write = await fixture.blobs.begin()
        await write.write(noise(size))
        await write.abort()
        await write.abort()
        await expect(write.write(noise(1))).rejects.toThrow()
        await expect(write.commit(() => 'a/aborted')).rejects.toThrow()
      }
      expect(await fixture.blobs.stat('a/aborted')).toBeNull()
      expect(await fixture.pieces()).toBe(before)
    })

    test('abort after the commit is harmless', async () => {
      await using fixture = await open()
      const write = await fixture.blobs.begin()
      await write.write(noise(1000))
      await write.commit(() => 'a/kept')
      await write.abort()
      expect((await content(fixture.blobs, 'a/kept')).length).toBe(1000)
    })

    test('a second commit of a name keeps the first and drops its own bytes', async () => {
      await using fixture = await open()
      await store(fixture.blobs, 'a/b', noise(mebibyte, 1))
      const before = await fixture.pieces()
      const second = await store(fixture.blobs, 'a/b', noise(mebibyte, 2))
      expect(second.created).toBe(false)
      expect(second.info.sha256).toBe(digest(noise(mebibyte, 1)))
      expect(digest(await content(fixture.blobs, 'a/b'))).toBe(digest(noise(mebibyte, 1)))
      expect(await fixture.pieces()).toBe(before)
    })

    test('of concurrent commits exactly one creates the blob, and all return it', async () => {
      await using fixture = await open()
      const racers = await Promise.all(
        Array.from({ length: 8 }, (_, i) => begun(fixture.blobs, noise(700_000, i))),
      )
      const ends = await Promise.all(racers.map((write) => write.commit(() => 'a/raced')))
      expect(ends.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(ends.map(({ info }) => info.sha256)).size).toBe(1)
      const alone = await fixture.pieces()
      expect(digest(await content(fixture.blobs, 'a/raced'))).toBe(ends[0]?.info.sha256 ?? '')
      await fixture.blobs.delete('a/raced')
      await store(fixture.blobs, 'a/raced', noise(700_000, 9))
      expect(await fixture.pieces()).toBe(alone)
    })

    test('a deleted blob is gone with its bytes, and the name can be used again', async () => {
      await using fixture = await open()
      await store(fixture.blobs, 'a/b', noise(mebibyte))
      const whole = await fixture.pieces()
      expect(await fixture.blobs.delete('a/b')).toBe(true)
      expect(await fixture.blobs.delete('a/b')).toBe(false)
      expect(await fixture.blobs.stat('a/b')).toBeNull()
      expect(await fixture.blobs.read('a/b')).toBeNull()
      expect(await fixture.pieces()).toBeLessThan(whole)
      expect((await store(fixture.blobs, 'a/b', noise(10))).created).toBe(true)
      expect((await content(fixture.blobs, 'a/b')).length).toBe(10)
    })

    const size = 3 * mebibyte + 77
    const half = mebibyte / 2
    test.each([
      [0, 0],
      [0, size - 1],
      [size - 1, size - 1],
      [half - 1, half],
      [half, 2 * half - 1],
      [mebibyte + 3, 2 * mebibyte + 9],
      [100, size + 1000],
    ])('reads bytes %d to %d', async (start, end) => {
      await using fixture = await open()
      const bytes = noise(size)
      await store(fixture.blobs, 'a/b', bytes)
      const part = await content(fixture.blobs, 'a/b', { start, end })
      expect(part.length).toBe(Math.min(end, size - 1) - start + 1)
      expect(digest(part)).toBe(digest(bytes.subarray(start, end + 1)))
    })

    test.each([
      [1000, 1001],
      [5, 4],
      [-1, 4],
    ])('refuses bytes %d to %d of 1000', async (start, end) => {
      await using fixture = await open()
      await store(fixture.blobs, 'a/b', noise(1000))
      await expect(fixture.blobs.read('a/b', { start, end })).rejects.toMatchObject({
        code: 'range_not_satisfiable',
      })
    })

    describe('by location', () => {
      const missing = () => new Fault('image_not_found', 'The blob is missing.', { remedy: 'Store it.' })
      const located = async (blobs: Blobs, blob: LocatedBlob, range?: ByteRange) =>
        Buffer.concat(await Array.fromAsync(blobs.readLocated(blob, missing, range)))

      test.each([1, 65_536, size])('reads %d bytes, and parts of them', async (length) => {
        await using fixture = await open()
        const bytes = noise(length)
        const blob = withLocation((await store(fixture.blobs, 'a/b', bytes)).info)
        expect(digest(await located(fixture.blobs, blob))).toBe(digest(bytes))
        const range = { start: Math.floor(length / 3), end: Math.floor(length / 2) }
        const part = bytes.subarray(range.start, range.end + 1)
        expect(digest(await located(fixture.blobs, blob, range))).toBe(digest(part))
        const outside = located(fixture.blobs, blob, { start: length, end: length })
        await expect(outside).rejects.toMatchObject({ code: 'range_not_satisfiable' })
        expect(withLocation(await fixture.blobs.stat('a/b')).location).toBe(blob.location)
      })

      test.each([1, size])('finds %d bytes that were written again', async (length) => {
        await using fixture = await open()
        const bytes = noise(length)
        const blob = withLocation((await store(fixture.blobs, 'a/b', bytes)).info)
        await fixture.blobs.delete('a/b')
        await expect(located(fixture.blobs, blob)).rejects.toMatchObject({ code: 'image_not_found' })
        await store(fixture.blobs, 'a/b', bytes)
        expect(digest(await located(fixture.blobs, blob))).toBe(digest(bytes))
        const range = { start: Math.floor(length / 3), end: Math.floor(length / 2) }
        const part = bytes.subarray(range.start, range.end + 1)
        expect(digest(await located(fixture.blobs, blob, range))).toBe(digest(part))
      })

      test('never reads other bytes of the same name', async () => {
        await using fixture = await open()
        const blob = withLocation((await store(fixture.blobs, 'a/b', noise(size, 1))).info)
        await fixture.blobs.delete('a/b')
        await store(fixture.blobs, 'a/b', noise(size, 2))
        await expect(located(fixture.blobs, blob)).rejects.toMatchObject({ code: 'storage_failed' })
      })

      test.each([undefined, '', 'x', '../..', 'a.1.', 'a.131072.1-2', `a.131072.${'1,'.repeat(400)}1`])(
        'looks up the name when the location is %p',
        async (location) => {
          await using fixture = await open()
          const { info } = await store(fixture.blobs, 'a/b', noise(size))
          const found = await located(fixture.blobs, { ...info, location })
          expect(digest(found)).toBe(digest(noise(size)))
          const gone = located(fixture.blobs, { ...info, name: 'a/none', location })
          await expect(gone).rejects.toMatchObject({ code: 'image_not_found' })
        },
      )
    })

    test('readers that leave early or read slowly do not affect others', async () => {
      await using fixture = await open()
      await store(fixture.blobs, 'a/b', noise(8 * mebibyte))
      const early = async () => {
        for await (const _ of (await fixture.blobs.read('a/b'))?.body ?? []) return
      }
      const slow = async () => {
        let bytes = 0
        for await (const chunk of (await fixture.blobs.read('a/b'))?.body ?? []) {
          await Bun.sleep(2)
          bytes += chunk.length
        }
        return bytes
      }
      const [sum] = await Promise.all([slow(), ...Array.from({ length: 20 }, early)])
      expect(sum).toBe(8 * mebibyte)
    })

    test('concurrent writes and reads do not mix', async () => {
      await using fixture = await open()
      const sizes = Array.from({ length: 24 }, (_, i) => i * 100_003)
      await Promise.all(sizes.map((size, i) => store(fixture.blobs, `a/${i}`, noise(size, i))))
      const read = await Promise.all(sizes.map((_, i) => content(fixture.blobs, `a/${i}`)))
      expect(read.map(digest)).toEqual(sizes.map((size, i) => digest(noise(size, i))))
    })
  })
}

/** Writes in parts of an odd size from one reused buffer, as a socket does. */
async function begun(blobs: Blobs, bytes: Uint8Array): Promise<BlobWrite> {
  const write = await blobs.begin()
  const buffer = new Uint8Array(99_991)
  for (let at = 0; at < bytes.length; at += buffer.length) {
    const piece = bytes.subarray(at, at + buffer.length)
    buffer.set(piece)
    await write.write(buffer.subarray(0, piece.length))
    buffer.fill(0)
  }
  return write
}

async function store(blobs: Blobs, name: string, bytes: Uint8Array, metadata?: Record<string, string>) {
  return (await begun(blobs, bytes)).commit(() => name, metadata)
}

async function content(
  blobs: Blobs,
  name: string,
  range?: { start: number; end: number },
): Promise<Uint8Array> {
  const read = await blobs.read(name, range)
  if (!read) throw new Error(`${name} does not exist`)
  return Buffer.concat(await Array.fromAsync(read.body))
}

function withLocation(info: BlobInfo | null): LocatedBlob {
  if (info?.location === undefined) throw new Error('the blob has no location')
  return info
}

/** Bytes that do not repeat; the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = (seed + 1) * 2_654_435_761
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

export function digest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

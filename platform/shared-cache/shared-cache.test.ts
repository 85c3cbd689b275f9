import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openSharedCache, type CacheKey, type SharedCache } from './shared-cache.ts'

const KiB = 1024
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-shared-cache-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const open = (more: { sharedCacheBytes?: number; sharedCacheAgeMs?: number; sharedCacheDir?: string } = {}) =>
  openSharedCache({ sharedCacheDir: home, sharedCacheBytes: 1024 * KiB, sharedCacheAgeMs: 60_000, ...more })

/** Writes an entry in pieces. */
function put(cache: SharedCache, account: string, bytes: Uint8Array): CacheKey {
  const entry = cache.begin()
  for (let at = 0; at < bytes.length; at += 10_000) entry.append(bytes.subarray(at, at + 10_000))
  const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
  entry.commit(account, sha256)
  return { account, sha256, bytes: bytes.length }
}

async function content(cache: SharedCache, key: CacheKey, range?: { start: number; end: number }) {
  const body = cache.read(key, range)
  return body && Buffer.concat(await Array.fromAsync(body))
}

/** All files below the shared folder, with their sizes. */
async function files(): Promise<{ path: string; bytes: number; mode: number }[]> {
  const names = await readdir(home, { recursive: true })
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(home, name)
      const info = await stat(path).catch(() => undefined)
      return info?.isFile() ? [{ path, bytes: info.size, mode: info.mode & 0o777 }] : []
    }),
  )
  return found.flat()
}

describe('an entry', () => {
  test('is read by another process, whole and in part', async () => {
    await using writer = await open()
    await using reader = await open()
    const bytes = randomBytes(250_000)
    const key = put(writer, 'ann', bytes)
    expect(await content(reader, key)).toEqual(bytes)
    expect(await content(reader, key, { start: 100, end: 199_999 })).toEqual(bytes.subarray(100, 200_000))
    expect(await content(reader, key, { start: 249_990, end: 999_999 })).toEqual(bytes.subarray(249_990))
  })

  test('becomes a file of another folder without a copy, in place of an unfinished one', async () => {
    await using writer = await open()
    await using reader = await open()
    const bytes = randomBytes(100_000)
    const key = put(writer, 'ann', bytes)
    const path = join(home, 'source')
    await writeFile(path, 'of an earlier attempt')
    expect(reader.link(key, path)).toBe(true)
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0)
    const [cached] = (await files()).filter((one) => one.path !== path)
    expect((await stat(path)).ino).toBe((await stat(cached?.path ?? '')).ino)
    // It outlives the entry.
    writer.remove(key)
    expect((await stat(path)).size).toBe(100_000)
  })

  test('is found only by its account and digest', async () => {
    await using cache = await open()
    const key = put(cache, 'ann', randomBytes(100_000))
    for (const wrong of [
      { ...key, account: 'bob' },
      { ...key, sha256: key.sha256.replace(/./g, '0') },
    ]) {
      expect(cache.read(wrong)).toBeUndefined()
      expect(cache.link(wrong, join(home, 'other'))).toBe(false)
    }
  })

  test('is readable by this user only', async () => {
    await using cache = await open()
    const unfinished = cache.begin()
    unfinished.append(randomBytes(100_000))
    const key = put(cache, 'ann', randomBytes(100_000))
    await content(cache, key)
    const found = await files()
    expect(found.map(({ mode }) => mode.toString(8)).toSorted()).toEqual(['400', '600'])
    for (const folder of [home, ...(await readdir(home)).map((name) => join(home, name))])
      expect((await stat(folder)).mode & 0o777).toBe(0o700)
    unfinished.discard()
  })

  test('is not found before it is complete, nor after it was discarded', async () => {
    await using cache = await open()
    const bytes = randomBytes(100_000)
    const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
    const key = { account: 'ann', sha256, bytes: bytes.length }
    const entry = cache.begin()
    entry.append(bytes)
    expect(cache.read(key)).toBeUndefined()
    entry.discard()
    entry.commit('ann', sha256)
    expect(cache.read(key)).toBeUndefined()
    expect(await files()).toEqual([])
    expect(cache.bytes).toBe(0)
  })

  test('removed by one process is gone for all', async () => {
    await using writer = await open()
    await using other = await open()
    const key = put(writer, 'ann', randomBytes(100_000))
    other.remove(key)
    expect(writer.read(key)).toBeUndefined()
    const again = put(writer, 'ann', randomBytes(100_000))
    writer.remove(again)
    expect(other.read(again)).toBeUndefined()
    expect(await files()).toEqual([])
  })
})

describe('bounds', () => {
  test('the files of a process never exceed the limit, with several writers at a time', async () => {
    const limit = 1024 * KiB
    await using cache = await open({ sharedCacheBytes: limit })
    const entries = Array.from({ length: 12 }, () => cache.begin())
    const sum = async () => (await files()).reduce((total, { bytes }) => total + bytes, 0)
    for (let round = 0; round < 20; round += 1) {
      for (const entry of entries) entry.append(randomBytes(12_000))
      expect(await sum()).toBeLessThanOrEqual(limit)
      expect(await sum()).toBe(cache.bytes)
    }
    for (const [i, entry] of entries.entries()) entry.commit('ann', String(i).padStart(64, '0'))
    const kept = await files()
    expect(kept.length).toBeGreaterThan(2)
    expect(kept.reduce((total, { bytes }) => total + bytes, 0)).toBe(cache.bytes)
  })

  test('files that were read are replaced by new ones, others are not', async () => {
    await using cache = await open({ sharedCacheBytes: 400 * KiB })
    const keys = Array.from({ length: 4 }, () => put(cache, 'ann', randomBytes(100 * KiB)))
    const refused = put(cache, 'ann', randomBytes(100 * KiB))
    expect(cache.read(refused)).toBeUndefined()
    const third = keys[2] as CacheKey
    expect(cache.link(third, join(home, 'source'))).toBe(true)
    const accepted = put(cache, 'ann', randomBytes(100 * KiB))
    expect(await content(cache, accepted)).toHaveLength(100 * KiB)
    expect(cache.read(third)).toBeUndefined()
    expect(await content(cache, keys[0] as CacheKey)).toHaveLength(100 * KiB)
  })

  test.each([1000, 300 * KiB])('a file of %d bytes is not kept in 1 MiB', async (size) => {
    await using cache = await open()
    expect(cache.read(put(cache, 'ann', randomBytes(size)))).toBeUndefined()
    expect(cache.bytes).toBe(0)
    expect(await files()).toEqual([])
  })

  test('a file that is announced as too large replaces no other one', async () => {
    await using cache = await open({ sharedCacheBytes: 400 * KiB })
    const keys = Array.from({ length: 4 }, () => put(cache, 'ann', randomBytes(100 * KiB)))
    for (const key of keys) await content(cache, key)
    const large = cache.begin(101 * KiB)
    large.append(randomBytes(60 * KiB))
    expect(cache.bytes).toBe(400 * KiB)
    large.commit('ann', '0'.repeat(64))
    for (const key of keys) expect(await content(cache, key)).toHaveLength(100 * KiB)
  })

  test('entries are removed after their age, complete or not', async () => {
    await using cache = await open({ sharedCacheAgeMs: 100 })
    const unfinished = cache.begin()
    unfinished.append(randomBytes(100_000))
    const key = put(cache, 'ann', randomBytes(100_000))
    await waitFor('old files removed', files, (found) => found.length === 0)
    expect(cache.bytes).toBe(0)
    expect(cache.read(key)).toBeUndefined()
    unfinished.append(randomBytes(100_000))
    unfinished.commit('ann', key.sha256)
    expect(cache.read(key)).toBeUndefined()
  })

  test('a full disk means no entries, and no errors', async () => {
    await using disk = await mountSmallDisk(256 * KiB)
    {
      await using cache = await open({ sharedCacheDir: disk.path })
      const key = put(cache, 'ann', randomBytes(200_000))
      expect(cache.read(put(cache, 'ann', randomBytes(200_000)))).toBeUndefined()
      expect(await content(cache, key)).toHaveLength(200_000)
      await disk.fill()
      expect(cache.read(put(cache, 'ann', randomBytes(100_000)))).toBeUndefined()
      expect(cache.bytes).toBe(200_000)
    }
    await disk.empty()
  })

  test('nothing is cached without a folder, or with a limit of 0', async () => {
    await using none = await openSharedCache({
      sharedCacheDir: undefined,
      sharedCacheBytes: 2 ** 20,
      sharedCacheAgeMs: 1000,
    })
    await using empty = await open({ sharedCacheBytes: 0 })
    for (const cache of [none, empty])
      expect(cache.read(put(cache, 'ann', randomBytes(100_000)))).toBeUndefined()
    expect(await readdir(home)).toEqual([])
  })
})

describe('leftovers', () => {
  test('a killed process leaves nothing behind after the next start', async () => {
    const script = `
      const { openSharedCache } = await import('${import.meta.dir}/shared-cache.ts')
      const cache = await openSharedCache({ sharedCacheDir: ${JSON.stringify(home)}, sharedCacheBytes: 2 ** 20, sharedCacheAgeMs: 60_000 })
      const finished = cache.begin()
      finished.append(new Uint8Array(100_000))
      finished.commit('ann', '0'.repeat(64))
      cache.begin().append(new Uint8Array(100_000))
      console.log('written')
      setInterval(() => {}, 1000)`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
    const { value } = await child.stdout.getReader().read()
    expect(new TextDecoder().decode(value)).toBe('written\n')
    expect(await files()).toHaveLength(2)
    child.kill('SIGKILL')
    await child.exited
    await using cache = await open()
    expect(await files()).toEqual([])
    expect(cache.read({ account: 'ann', sha256: '0'.repeat(64), bytes: 100_000 })).toBeUndefined()
  })

  test('folders of other machines and living processes stay', async () => {
    await using first = await open()
    const key = put(first, 'ann', randomBytes(100_000))
    const elsewhere = `pixelflow-cache~not-${hostname()}~1~2~abc`
    await mkdir(join(home, elsewhere))
    await using second = await open()
    expect(await readdir(home)).toContain(elsewhere)
    expect(await content(second, key)).toHaveLength(100_000)
  })

  test('a process that stops removes its files', async () => {
    {
      await using cache = await open()
      put(cache, 'ann', randomBytes(100_000))
      cache.begin().append(randomBytes(100_000))
    }
    expect(await readdir(home)).toEqual([])
  })
})

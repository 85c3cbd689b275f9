import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open as openFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSharedCache, type CacheKey, type SharedCache } from './shared-cache.ts'

/** Entries that were changed by another program. */

let home: string
let cache: SharedCache
let key: CacheKey
let path: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-damaged-entries-'))
  cache = await openSharedCache({ sharedCacheDir: home, sharedCacheBytes: 2 ** 20, sharedCacheAgeMs: 60_000 })
  const bytes = randomBytes(100_000)
  const entry = cache.begin()
  entry.append(bytes)
  key = {
    account: 'ann',
    sha256: new Bun.CryptoHasher('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
  }
  entry.commit(key.account, key.sha256)
  const names = await readdir(home, { recursive: true })
  path = join(home, names.find((name) => name.includes(key.sha256)) ?? 'missing')
})
afterEach(async () => {
  await cache[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

test('of another size are not used', async () => {
  for (const size of [99_999, 100_001]) {
    await truncate(path, size)
    expect(cache.read(key)).toBeUndefined()
    expect(cache.link(key, join(home, 'source'))).toBe(false)
  }
})

test('of the same size fail a whole read, and are not used again', async () => {
  await using file = await openFile(path, 'r+')
  await file.write('other', 50_000)
  await expect(Array.fromAsync(cache.read(key) ?? [])).rejects.toMatchObject({ code: 'storage_failed' })
  expect(cache.read(key)).toBeUndefined()
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('that are symbolic links are not used, and the target is not changed', async () => {
  const target = join(home, 'target')
  await writeFile(target, randomBytes(100_000), { mode: 0o640 })
  await rm(path)
  await symlink(target, path)
  expect(cache.read(key)).toBeUndefined()
  expect(cache.link(key, join(home, 'source'))).toBe(false)
  expect((await stat(target)).mode & 0o777).toBe(0o640)
})

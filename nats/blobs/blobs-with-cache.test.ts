import { expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import { blobsWithCache } from '@pixelflow/platform/shared-cache/blobs-with-cache'
import { openSharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import { digest, noise } from '@pixelflow/testkit/contracts/blobs'
import { openNatsFixture } from '../testing/nats-fixture.ts'

test('reads through the shared cache keep the promises of the store', async () => {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-blobs-cache-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const options = { sharedCacheDir: home, sharedCacheBytes: 16 * 1024 * 1024, sharedCacheAgeMs: 60_000 }
  const cache = scope.use(await openSharedCache(options))
  const { adapters } = scope.use(await openNatsFixture())
  const blobs = blobsWithCache(adapters.sources, cache)
  const bytes = noise(300_000)
  const write = await blobs.begin()
  await write.write(bytes)
  const { info } = await write.commit(() => 'ann/a')
  const missing = () => new Fault('image_not_found', 'missing', { remedy: '' })
  const open = (range?: ByteRange) => blobs.readLocated(info, missing, range)
  const read = async (range?: ByteRange) => Buffer.concat(await Array.fromAsync(open(range)))

  expect(cache.read({ account: 'ann', sha256: info.sha256, bytes: info.bytes })).toBeDefined()
  expect(digest(await read())).toBe(digest(bytes))
  expect(await read({ start: 280_000, end: 400_000 })).toEqual(Buffer.from(bytes.subarray(280_000)))
  for (const range of [
    { start: 300_000, end: 300_001 },
    { start: 2, end: 1 },
  ])
    await expect(read(range)).rejects.toMatchObject({ code: 'range_not_satisfiable' })

  // A body that is never read holds no file open.
  const before = (await readdir('/proc/self/fd')).length
  const unread = Array.from({ length: 20 }, () => open())
  expect((await readdir('/proc/self/fd')).length).toBeLessThan(before + unread.length)
})

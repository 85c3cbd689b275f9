import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import { maxInlineBytes } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import { createPrincipal } from '@pixelflow/core/principal'
import { openNatsFixture } from '@pixelflow/nats/testing/nats-fixture'
import { noSharedCache } from '@pixelflow/platform/shared-cache/no-shared-cache'
import { sampleImage } from '@pixelflow/testkit/images'
import { uploadImage } from './upload-image.ts'

afterEach(() => void setSystemTime())

const limits = { maxUploadBytes: 2 ** 20, maxPixels: 1_000_000 }
const hour = 3_600_000

test('an upload fails when a sweep has removed its bytes before they were recorded', async () => {
  await using fixture = await openNatsFixture()
  const { images, sources, events } = fixture.adapters
  const account = 'local'
  const bytes = await sampleImage({ width: 200, height: 100, format: 'png', noise: 30 })
  expect(bytes.length).toBeGreaterThan(maxInlineBytes)
  const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
  const recorded: string[] = []
  /** Records of a machine that sleeps before it creates one, while a sweep runs. */
  const asleep: Records<ImageRecord> = {
    ...images,
    async create(of, id, record) {
      recorded.push(id)
      await fixture.other.sources.delete(blobName(account, sha256))
      setSystemTime(Date.now() + hour)
      return images.create(of, id, record)
    },
  }
  const upload = () => {
    async function* body() {
      yield bytes
    }
    return { body: body(), mediaType: 'image/png', bytes: null }
  }
  const slow = uploadImage.open({ images: asleep, sources, sharedCache: noSharedCache, events, limits })
  await expect(slow(createPrincipal(account), upload())).rejects.toMatchObject({
    code: 'storage_failed',
    message: 'The bytes were removed before they could be recorded.',
  })
  expect(recorded).toHaveLength(1)
  expect(await images.get(account, recorded[0] ?? '')).toBeNull()

  const { id } = await uploadImage.open({ images, sources, sharedCache: noSharedCache, events, limits })(
    createPrincipal(account),
    upload(),
  )
  expect((await images.get(account, id))?.sha256).toBe(sha256)
  expect(await sources.stat(blobName(account, sha256))).not.toBeNull()
})

test('the creation time of an image is by the clock of the broker, not of the gateway', async () => {
  await using fixture = await openNatsFixture()
  const { images, sources, events } = fixture.adapters
  const bytes = await sampleImage({ width: 6, height: 4 })
  async function* body() {
    yield bytes
  }
  setSystemTime(Date.now() + 5 * hour)
  const before = events.now().getTime()
  const upload = uploadImage.open({ images, sources, sharedCache: noSharedCache, events, limits })
  const { id, createdAt } = await upload(createPrincipal('local'), {
    body: body(),
    mediaType: 'image/jpeg',
    bytes: null,
  })
  const after = events.now().getTime()
  expect(Date.parse(createdAt)).toBeWithin(before, after + 1)
  // The first 48 bits of a UUID of version 7 are its time in milliseconds.
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBeWithin(before, after + 1)
})

import { Fault } from '@pixelflow/core/fault'
import { formatOf } from '@pixelflow/core/format'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import { isInlineLocation } from '@pixelflow/core/inline-location'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { keyReused } from '../idempotency/idempotency-key.ts'
import type { Ports } from '../ports.ts'
import { digestMismatch, type ReceivedImage } from './receive-image.ts'

/** How an idempotent call stores its image. */
export interface StoreImageOptions<T> {
  readonly id: string
  /** The result of an earlier call with the same bytes: then nothing is stored. What it throws is passed on. */
  readonly earlierResult: (sha256: string) => T | undefined
}

/** What an image is stored in. `events` has the clock for its creation time. */
export type ImageStores = Pick<Ports, 'images' | 'sources' | 'sharedCache' | 'events'>

/** A complete file that is not an image of the account yet. */
export interface Storable {
  store(options?: StoreImageOptions<ImageRecord>): Promise<ImageRecord>
  /**
   * Stores the image and creates the task that uses it. When the queue is full or the account has too many tasks, the
   * image is deleted.
   */
  storeForTask(
    createTask: (image: ImageRecord) => Promise<Task>,
    options?: StoreImageOptions<Task>,
  ): Promise<Task>
}

/** `isNew` is false when an earlier call has stored the same image under the same id. */
export interface StoredImage {
  readonly image: ImageRecord
  readonly isNew: boolean
}

type StoreResult<T> = StoredImage | { readonly earlier: T }

export function createStorable(
  { images, sharedCache }: Pick<ImageStores, 'images' | 'sharedCache'>,
  store: <T>(options?: StoreImageOptions<T>) => Promise<StoreResult<T>>,
): Storable {
  return {
    async store(options) {
      const result = await store(options)
      return 'earlier' in result ? result.earlier : result.image
    },
    async storeForTask(createTask, options) {
      const result = await store(options)
      if ('earlier' in result) return result.earlier
      const { image, isNew } = result
      try {
        return await createTask(image)
      } catch (thrown) {
        // After any other fault the task may exist.
        if (isNew && Fault.of(thrown).row.isBacklogFault) {
          await images.delete(image.account, image.id).catch(() => {})
          sharedCache.remove(image)
        }
        throw thrown
      }
    },
  }
}

/** A sweep removes bytes that no record refers to, but not within the first minute. */
const sweepSafeMs = 10_000

/** Milliseconds since its creation. The monotonic clock stops while the machine sleeps, so the wall clock counts as well. */
function elapsedTimer(): () => number {
  const [at, wallAt] = [performance.now(), Date.now()]
  return () => Math.max(performance.now() - at, Math.abs(Date.now() - wallAt))
}

/**
 * Records the written bytes as an image of the account. A fault leaves nothing in the store.
 * @param announced the SHA-256 that the client has announced, if it has
 * @throws Fault `invalid_request` when the bytes do not have the announced digest.
 */
export async function storeImage<T>(
  { images, sources, events }: ImageStores,
  { account }: Principal,
  write: BlobWrite,
  received: ReceivedImage,
  announced: string | undefined,
  options?: StoreImageOptions<T>,
): Promise<StoreResult<T>> {
  const earlier = await earlierResult(write, announced, options)
  if (earlier !== undefined) return { earlier }
  const { mediaType } = formatOf(received.format)
  const { info } = await write.commit(
    (sha256) => blobName(account, sha256),
    { mediaType },
    { mayInline: true },
  )
  const sinceMs = elapsedTimer()
  const now = events.now()
  const record: ImageRecord = {
    id: options?.id ?? Bun.randomUUIDv7('hex', now),
    account,
    sha256: info.sha256,
    bytes: info.bytes,
    ...received,
    createdAt: now.toISOString(),
    ...(info.location === undefined ? {} : { location: info.location }),
  }
  if (await images.create(account, record.id, record)) {
    if (
      !isInlineLocation(info.location) &&
      sinceMs() > sweepSafeMs &&
      (await sources.stat(info.name)) === null
    ) {
      await images.delete(account, record.id)
      throw bytesRemoved()
    }
    return { image: record, isNew: true }
  }
  const existing = options && (await images.get(account, record.id))
  if (existing?.sha256 === record.sha256) return { image: existing, isNew: false }
  if (existing) throw keyReused()
  throw new Fault('internal', 'The image could not be recorded.', {
    remedy: 'Send the image again.',
    cause: new Error(`id ${record.id} is taken`),
  })
}

/** Checks the digest and looks for an earlier result; aborts the write unless the image is to be stored. */
async function earlierResult<T>(
  write: BlobWrite,
  announced: string | undefined,
  options: StoreImageOptions<T> | undefined,
): Promise<T | undefined> {
  if (announced === undefined && options === undefined) return undefined
  let isWanted = false
  try {
    const sha256 = await write.digest()
    if (announced !== undefined && announced !== sha256) throw digestMismatch()
    const earlier = options?.earlierResult(sha256)
    isWanted = earlier === undefined
    return earlier
  } finally {
    if (!isWanted) await write.abort()
  }
}

function bytesRemoved(): Fault {
  return new Fault('storage_failed', 'The bytes were removed before they could be recorded.', {
    remedy: 'Send the image again.',
    retryAfterMs: 1000,
  })
}

import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { keyReused } from '../idempotency/with-idempotency.ts'
import type { Ports } from '../ports.ts'
import {
  damaged,
  requireAcceptable,
  receiveImage,
  type ReceivedImage,
  type ImageUpload,
} from './receive-image.ts'

/** What an image is to be when a call may be made again: of this id, and known by its digest before it is stored. */
export interface StoreImageOptions {
  readonly id: string
  /** Whatever it throws gets through, and then nothing is left behind. */
  readonly found: (sha256: string) => void
}

/** What an image is stored in. `events` has the clock that dates it. */
type ImagePorts = Pick<Ports, 'images' | 'sources' | 'events'>

/** What makes an image of a file. */
export interface Storable {
  keep(as?: StoreImageOptions): Promise<ImageRecord>
  /**
   * Keeps it for the task that is made of it. Where there is no room for the task the image goes again, for nobody has been
   * told of it.
   */
  storeForTask(make: (image: ImageRecord) => Promise<Task>, as?: StoreImageOptions): Promise<Task>
}

/** A file that has arrived whole and is nobody's yet. Exactly one of what it can do ends it. */
export interface StagedImage extends Storable {
  /** Leaves nothing behind. */
  drop(): Promise<void>
}

/**
 * Takes an image in, streamed into the store while type, size and pixels are checked; whatever is wrong with it, nothing
 * is left behind.
 * @throws Fault `unsupported_format`, `image_too_large`, `too_many_pixels`, `truncated_upload`, `invalid_request`.
 */
export function uploadImage(ports: ImagePorts & Pick<Ports, 'limits'>) {
  const stage = stageImage(ports)
  return async (who: Principal, upload: ImageUpload, as?: StoreImageOptions): Promise<ImageRecord> =>
    (await stage(who, upload)).keep(as)
}

/** The same in two steps, for calls that need more than the file before they know that they want it. */
export function stageImage({ limits, ...ports }: ImagePorts & Pick<Ports, 'limits'>) {
  const { images, sources } = ports
  return async (who: Principal, upload: ImageUpload): Promise<StagedImage> => {
    requireScope(who, 'images:write')
    requireAcceptable(upload, limits)
    const write = await sources.begin()
    try {
      const received = await receiveImage(upload, write, limits)
      const keep = (as?: StoreImageOptions) => storeImage(ports, who, write, received, upload.sha256?.(), as)
      return { ...storable(images, keep), drop: () => write.abort() }
    } catch (thrown) {
      await write.abort()
      throw thrown
    }
  }
}

/** An image that is there, and whether it was made just now or by an earlier attempt. */
export interface StoreResult {
  readonly image: ImageRecord
  readonly isNew: boolean
}

/** The two ways to keep an image. */
export function storable(
  images: Records<ImageRecord>,
  keep: (as?: StoreImageOptions) => Promise<StoreResult>,
): Storable {
  return {
    keep: async (as) => (await keep(as)).image,
    async storeForTask(make, as) {
      const { image, isNew } = await keep(as)
      try {
        return await make(image)
      } catch (thrown) {
        // After any other fault somebody may have made the task.
        if (isNew && Fault.of(thrown).row.isBacklogFault) {
          await images.delete(image.account, image.id).catch(() => {})
        }
        throw thrown
      }
    },
  }
}

/** Bytes that nothing refers to stay for at least a minute, the shortest time in which a sweep may find them. */
const promptMs = 10_000

/** Tells how long ago it was called. A machine that sleeps stops the monotonic clock, so the other is looked at as well. */
function elapsed(): () => number {
  const [at, wallAt] = [performance.now(), Date.now()]
  return () => Math.max(performance.now() - at, Math.abs(Date.now() - wallAt))
}

/** Makes what was written an image of this account. @throws Fault `invalid_request` when it is not the promised one. */
export async function storeImage(
  { images, sources, events }: ImagePorts,
  { account }: Principal,
  write: BlobWrite,
  received: ReceivedImage,
  promised: string | undefined,
  as?: StoreImageOptions,
): Promise<StoreResult> {
  const { mediaType } = format(received.format)
  // A commit that throws leaves nothing behind.
  const name = (sha256: string) => {
    if (promised !== undefined && promised !== sha256) throw damaged()
    as?.found(sha256)
    return blobName(account, sha256)
  }
  const { info } = await write.commit(name, { mediaType })
  const sinceMs = elapsed()
  const now = events.now()
  const record: ImageRecord = {
    id: as?.id ?? Bun.randomUUIDv7('hex', now),
    account,
    sha256: info.sha256,
    bytes: info.bytes,
    ...received,
    createdAt: now.toISOString(),
  }
  if (await images.create(account, record.id, record)) {
    if (sinceMs() > promptMs && (await sources.stat(info.name)) === null) {
      await images.delete(account, record.id)
      throw new Fault('storage_failed', 'The bytes were removed before they could be recorded.', {
        remedy: 'Send them again.',
        retryAfterMs: 1000,
      })
    }
    return { image: record, isNew: true }
  }
  const earlier = as && (await images.get(account, record.id))
  if (earlier?.sha256 === record.sha256) return { image: earlier, isNew: false }
  if (earlier) throw keyReused()
  throw new Fault('internal', 'The image could not be recorded.', {
    cause: new Error(`id ${record.id} is taken`),
  })
}

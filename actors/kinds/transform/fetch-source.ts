import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import { writePieces } from '@pixelflow/platform/write-pieces'
import type { SharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import type { LazyScratchFolder } from '../../sandbox/scratch.ts'
import { maxMessageFileBytes, type WorkerSource } from './transform-input.ts'

export interface SourceStores {
  readonly images: Records<ImageRecord>
  readonly sources: Blobs
  readonly sharedCache: Pick<SharedCache, 'link'>
}

/**
 * Reads the record of an image. The account is part of the key, so no account reaches an image of another one.
 * @throws Fault `image_not_found`
 */
export async function findSource(stores: SourceStores, account: string, image: string): Promise<ImageRecord> {
  const record = await stores.images.get(account, image)
  if (record === null) throw imageNotFound('The image was deleted before the task read it.')
  return record
}

/**
 * Fetches an image for a worker: a small one as bytes, a larger one into a file in `folder`.
 * @throws Fault as `fetchSource` does.
 */
export async function provideSource(
  stores: SourceStores,
  record: ImageRecord,
  folder: LazyScratchFolder,
  signal: AbortSignal,
): Promise<WorkerSource> {
  if (record.bytes <= maxMessageFileBytes) return { base64: await readSource(stores, record, signal) }
  folder.create()
  const path = join(folder.path, 'source')
  await fetchSource(stores, record, path, signal)
  return { path }
}

/** The bytes of a small image in base64. */
async function readSource(
  { sources }: SourceStores,
  record: ImageRecord,
  signal: AbortSignal,
): Promise<string> {
  const chunks = await Array.fromAsync(readStored(sources, record))
  signal.throwIfAborted()
  return Buffer.concat(chunks).toString('base64')
}

function readStored(sources: Blobs, record: ImageRecord): AsyncIterable<Uint8Array> {
  const blob = { ...record, name: blobName(record.account, record.sha256) }
  return sources.readLocated(blob, () => imageNotFound('The bytes of the image are no longer stored.'))
}

/**
 * Makes the bytes of an image appear in a new file at `path`: as a link to a cached file, or read from the store.
 * @throws Fault `image_not_found` when they have expired, `storage_failed` when the store fails, `unavailable` when the
 * scratch space is full.
 */
export async function fetchSource(
  { sources, sharedCache }: SourceStores,
  record: ImageRecord,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if (sharedCache.link(record, path)) return
  await using file = await open(path, 'w', 0o600)
  await writePieces(file, readStored(sources, record), signal).catch(throwNoSpace)
}

/** Rethrows a failed write. A full disk is a fault of this actor, not of the image. */
export function throwNoSpace(cause: unknown): never {
  if ((cause as { code?: string }).code !== 'ENOSPC') throw cause
  throw noScratchSpace(cause)
}

export function noScratchSpace(cause: unknown): Fault {
  return new Fault('unavailable', 'The scratch space of this actor is full.', {
    remedy: 'Try again later. Operators can give the actor more scratch space.',
    cause,
  })
}

function imageNotFound(detail: string): Fault {
  return new Fault('image_not_found', detail, { remedy: 'Upload the image again.' })
}

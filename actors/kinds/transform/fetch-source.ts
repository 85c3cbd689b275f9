import { open } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'

export interface SourceStores {
  readonly images: Records<ImageRecord>
  readonly blobs: Blobs
}

/**
 * An account's image. The account is part of every name that is looked up, so nobody reaches what is somebody else's.
 * @throws Fault `image_not_found`
 */
export async function findSource(stores: SourceStores, account: string, image: string): Promise<ImageRecord> {
  const record = await stores.images.get(account, image)
  if (record === null) throw gone('The image was deleted before the task could read it.')
  return record
}

/** Bytes written at once: each write is a way to another thread and back. */
const writeBytes = 1024 * 1024
/** And so many pieces at most, far below what the system takes (`IOV_MAX`). */
const writePieces = 256

/**
 * Writes an image's bytes to a file at `path`, from the start.
 * @throws Fault `image_not_found` when they have expired, `storage_failed` when the store is in trouble, `unavailable`
 * when there is no room.
 */
export async function fetchSource(
  { blobs }: SourceStores,
  { account, sha256 }: ImageRecord,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const blob = await blobs.read(blobName(account, sha256))
  if (blob === null) throw gone('The bytes of the image are not stored any more.')
  await using file = await open(path, 'w', 0o600)
  let waiting: Uint8Array[] = []
  let bytes = 0
  const flush = async () => {
    const { bytesWritten } = await file.writev(waiting).catch(throwNoSpace)
    if (bytesWritten < bytes) throwNoSpace({ code: 'ENOSPC' })
    waiting = []
    bytes = 0
  }
  for await (const chunk of blob.body) {
    signal.throwIfAborted()
    waiting.push(chunk)
    bytes += chunk.length
    if (bytes >= writeBytes || waiting.length >= writePieces) await flush()
  }
  if (bytes > 0) await flush()
}

/** What a failed write means: a full disk is no fault of the picture. */
export function throwNoSpace(cause: unknown): never {
  if ((cause as { code?: string }).code !== 'ENOSPC') throw cause
  throw new Fault('unavailable', 'There is no room to work on this image just now.', { cause })
}

function gone(detail: string): Fault {
  return new Fault('image_not_found', detail, { remedy: 'Upload the image again.' })
}

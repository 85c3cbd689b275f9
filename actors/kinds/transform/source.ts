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
 * Writes the bytes of an account's image to a new file at `path`. The account is part of every name that is looked up,
 * so nobody reaches what belongs to somebody else.
 * @throws Fault `image_not_found`, also when the bytes have expired; `storage_failed` when the store is in trouble.
 */
export async function fetchSource(
  stores: SourceStores,
  { account, image, path, signal }: { account: string; image: string; path: string; signal: AbortSignal },
): Promise<ImageRecord> {
  const record = await stores.images.get(account, image)
  if (record === null) throw gone('The image was deleted before the task could read it.')
  const blob = await stores.blobs.read(blobName(account, record.sha256))
  if (blob === null) throw gone('The bytes of the image are not stored any more.')
  // Written anew from the start when an earlier try broke off.
  await using file = await open(path, 'w', 0o600)
  for await (const chunk of blob.body) {
    signal.throwIfAborted()
    await file.write(chunk)
  }
  return record
}

function gone(detail: string): Fault {
  return new Fault('image_not_found', detail, { remedy: 'Upload the image again.' })
}

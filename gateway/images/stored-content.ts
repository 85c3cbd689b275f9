import { Fault, type FaultCode } from '@pixelflow/core/fault'
import type { Blobs, ByteRange } from '@pixelflow/core/ports/blobs'

/** Stored bytes and their description. Nothing is read before `open`. */
export interface StoredContent {
  readonly bytes: number
  readonly sha256: string
  readonly mediaType: string
  /** Suggested name of a downloaded file. */
  readonly fileName: string
  /** Where the bytes are, if that is known, or the bytes themselves: see `BlobInfo.location`. */
  readonly location?: string | undefined
  /** The bytes, which must be iterated. The iteration fails when they have expired. */
  open(range?: ByteRange): Promise<AsyncIterable<Uint8Array>>
}

export function createStoredContent(
  blobs: Blobs,
  name: string,
  missing: FaultCode,
  about: Omit<StoredContent, 'open'>,
): StoredContent {
  return {
    ...about,
    open: async (range) => blobs.readLocated({ name, ...about }, () => createExpiredFault(missing), range),
  }
}

function createExpiredFault(code: FaultCode): Fault {
  return new Fault(code, 'The bytes have expired.', { remedy: 'Upload the image or create the task again.' })
}

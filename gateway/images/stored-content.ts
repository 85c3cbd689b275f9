import { Fault, type FaultCode } from '@pixelflow/core/fault'
import type { Blobs, ByteRange } from '@pixelflow/core/ports/blobs'

/** Stored bytes and their description. Nothing is read before `open`. */
export interface StoredContent {
  readonly bytes: number
  readonly sha256: string
  readonly mediaType: string
  /** Suggested name of a downloaded file. */
  readonly fileName: string
  /** @throws Fault when the bytes have expired. */
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
    async open(range) {
      const read = await blobs.read(name, range)
      if (read) return read.body
      throw new Fault(missing, 'The bytes have expired.', {
        remedy: 'Upload the image or create the task again.',
      })
    },
  }
}

import { Fault, type FaultCode } from '@pixelflow/core/fault'
import type { Blobs, ByteRange } from '@pixelflow/core/ports/blobs'

/** Stored bytes that may be handed out: what they are, and a way to open them that costs nothing until it is used. */
export interface StoredContent {
  readonly bytes: number
  readonly sha256: string
  readonly mediaType: string
  /** What a file of it may be called. */
  readonly fileName: string
  /** @throws Fault when the bytes are gone. */
  open(range?: ByteRange): Promise<AsyncIterable<Uint8Array>>
}

export function storedContent(
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
      throw new Fault(missing, 'Its bytes are not kept any more.', { remedy: 'Make it again.' })
    },
  }
}

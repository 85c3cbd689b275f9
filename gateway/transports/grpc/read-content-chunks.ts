import type { ByteRange } from '@pixelflow/core/ports/blobs'
import type { StoredContent } from '../../images/stored-content.ts'

/** Most bytes of a chunk: below the default message limit of clients, and small enough to keep the flow-control window full. */
export const maxChunkBytes = 256 * 1024

/** Reads stored bytes in chunks for one message each. */
export async function* readContentChunks(
  content: StoredContent,
  range?: ByteRange,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of await content.open(range)) {
    for (let at = 0; at < piece.length; at += maxChunkBytes) yield piece.subarray(at, at + maxChunkBytes)
  }
}

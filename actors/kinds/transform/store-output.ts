import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import type { BlobInfo, Blobs } from '@pixelflow/core/ports/blobs'

const chunkBytes = 256 * 1024

/**
 * Stores the file at `path` under `name`. When something is stored there already it stays: outputs have fixed names, so
 * an earlier attempt has made the same picture, and what counts is what can be read.
 */
export async function storeOutput(
  results: Blobs,
  { path, name, mediaType, signal }: { path: string; name: string; mediaType: string; signal: AbortSignal },
): Promise<BlobInfo> {
  // The file was made by a process that reads hostile pictures: it may have put a link to elsewhere in its place.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stat = await file.stat()
  if (!stat.isFile() || stat.size === 0) {
    throw new Fault('processing_failed', 'The result could not be read.', { cause: `no file at ${path}` })
  }
  const write = await results.begin()
  try {
    const chunk = new Uint8Array(Math.min(chunkBytes, stat.size))
    for (;;) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(chunk, 0, chunk.length)
      if (bytesRead === 0) break
      await write.write(bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead))
    }
    return (await write.commit(() => name, { mediaType })).info
  } finally {
    await write.abort()
  }
}

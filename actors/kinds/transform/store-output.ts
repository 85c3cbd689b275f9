import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import type { BlobInfo, Blobs } from '@pixelflow/core/ports/blobs'

const chunkBytes = 256 * 1024

interface OutputBlob {
  readonly name: string
  readonly mediaType: string
  readonly signal: AbortSignal
}

/** Stores bytes under `name`, as `storeOutput` does. @throws Fault `processing_failed` when they are empty. */
export async function storeOutputBytes(
  results: Blobs,
  bytes: Uint8Array,
  { name, mediaType, signal }: OutputBlob,
): Promise<BlobInfo> {
  if (bytes.length === 0) throw unreadableOutput('a message')
  const write = await results.begin()
  try {
    signal.throwIfAborted()
    await write.write(bytes)
    return (await write.commit(() => name, { mediaType })).info
  } finally {
    await write.abort()
  }
}

/**
 * Stores the file at `path` under `name`. An existing blob stays: names of outputs are deterministic, so an earlier
 * attempt has stored the same image.
 */
export async function storeOutput(
  results: Blobs,
  { path, name, mediaType, signal }: OutputBlob & { readonly path: string },
): Promise<BlobInfo> {
  await using file = await open(path, safeReadFlags)
  const stat = await file.stat()
  if (!stat.isFile() || stat.size === 0) throw unreadableOutput(path)
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

/** For files of a worker: an exploited decoder may have put a symbolic link or a pipe in their place. */
export const safeReadFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export function unreadableOutput(place: string): Fault {
  return new Fault('processing_failed', 'The output of the image worker is missing or empty.', {
    remedy: 'Try again; if it persists, report the request id.',
    cause: `no regular file with content at ${place}`,
  })
}

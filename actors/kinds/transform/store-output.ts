import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { Fault } from '@pixelflow/core/fault'
import type { BlobInfo, Blobs } from '@pixelflow/core/ports/blobs'

const chunkBytes = 256 * 1024

interface OutputBlob {
  readonly name: string
  readonly mediaType: string
  readonly signal: AbortSignal
  /** Whether few bytes may be stored in the location that is returned. */
  readonly mayInline?: boolean
}

/** Stores bytes under `name`, as `storeOutput` does. @throws Fault `processing_failed` when they are empty. */
export async function storeOutputBytes(
  results: Blobs,
  bytes: Uint8Array,
  { name, mediaType, signal, mayInline = false }: OutputBlob,
): Promise<BlobInfo> {
  if (bytes.length === 0) throw unreadableOutput('a message')
  signal.throwIfAborted()
  return storePieces(results, [bytes], name, mediaType, mayInline)
}

/**
 * Stores the file at `path` under `name`. An existing blob stays: names of outputs are deterministic, so an earlier
 * attempt has stored the same image.
 */
export async function storeOutput(
  results: Blobs,
  { path, name, mediaType, signal }: OutputBlob & { readonly path: string },
): Promise<BlobInfo> {
  const file = openSync(path, safeReadFlags)
  try {
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size === 0) throw unreadableOutput(path)
    return await storePieces(results, readPieces(file, stat.size, signal), name, mediaType)
  } finally {
    closeSync(file)
  }
}

/** The content of a file that was just written: it is in memory, and a thread switch would cost more than reading it. */
function* readPieces(file: number, size: number, signal: AbortSignal): Generator<Uint8Array, void> {
  const piece = new Uint8Array(Math.min(chunkBytes, size))
  for (;;) {
    signal.throwIfAborted()
    const bytesRead = readSync(file, piece)
    if (bytesRead === 0) return
    yield piece.subarray(0, bytesRead)
  }
}

async function storePieces(
  results: Blobs,
  pieces: Iterable<Uint8Array>,
  name: string,
  mediaType: string,
  mayInline = false,
): Promise<BlobInfo> {
  const write = await results.begin()
  try {
    for (const piece of pieces) await write.write(piece)
    return (await write.commit(() => name, { mediaType }, { mayInline })).info
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

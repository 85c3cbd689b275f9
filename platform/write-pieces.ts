import type { FileHandle } from 'node:fs/promises'

/** Bytes of one write; each write is a round trip to the thread pool. */
const batchBytes = 1024 * 1024
/** Buffers of one write, far below the limit of the system (`IOV_MAX`). */
const maxBuffers = 256

/**
 * Writes pieces to the end of a file, many at a time.
 * @param onWritten called with the bytes of each batch
 * @throws what the pieces or the signal throw; an error with the code `ENOSPC` for a full disk.
 */
export async function writePieces(
  file: FileHandle,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onWritten: (bytes: number) => void = () => {},
): Promise<void> {
  let buffers: Uint8Array[] = []
  let bytes = 0
  const flush = async () => {
    const { bytesWritten } = await file.writev(buffers)
    if (bytesWritten < bytes) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    onWritten(bytes)
    buffers = []
    bytes = 0
  }
  for await (const piece of pieces) {
    signal.throwIfAborted()
    buffers.push(piece)
    bytes += piece.length
    if (bytes >= batchBytes || buffers.length >= maxBuffers) await flush()
  }
  if (bytes > 0) await flush()
}

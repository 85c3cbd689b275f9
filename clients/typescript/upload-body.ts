import type { Source, UploadOptions } from './client.ts'

/** A source in the form in which it is sent. */
export interface UploadBody {
  readonly mediaType: string
  /** Size in bytes; null if unknown. */
  readonly bytes: number | null
  /** The whole file, if it is in memory or a Blob. */
  readonly blob: (() => Blob) | undefined
  /** The file in chunks. A stream can be read only once. */
  chunks(): AsyncIterable<Uint8Array>
}

const unknownType = 'application/octet-stream'

export function toUploadBody(source: Source, { mediaType, bytes }: UploadOptions = {}): UploadBody {
  if (source instanceof Blob) {
    const type = source.type === '' ? unknownType : source.type
    return {
      mediaType: mediaType ?? type,
      bytes: source.size,
      blob: () => source,
      chunks: () => readChunks(source.stream()),
    }
  }
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const all = source instanceof ArrayBuffer ? new Uint8Array(source) : source
    return {
      mediaType: mediaType ?? unknownType,
      bytes: all.byteLength,
      blob: () => blobOf(all),
      chunks: () => slices(all),
    }
  }
  return {
    mediaType: mediaType ?? unknownType,
    bytes: bytes ?? null,
    blob: undefined,
    chunks: () => ('getReader' in source ? readChunks(source) : source),
  }
}

/** Copies shared memory, which a Blob does not accept. */
function blobOf(all: Uint8Array): Blob {
  const { buffer, byteOffset, byteLength } = all
  return new Blob([
    buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : all.slice(),
  ])
}

/** Chunk size, small enough for progress reports. */
const sliceBytes = 256 * 1024

async function* slices(all: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < all.byteLength; at += sliceBytes) yield all.subarray(at, at + sliceBytes)
}

/** Iterates over a stream, also on platforms where streams are not iterable. Leaving the loop cancels it. */
export async function* readChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader()
  let isOver = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        isOver = true
        return
      }
      yield value
    }
  } finally {
    if (!isOver) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

/** A pull stream over an async iterable. @param passed called with the number of bytes read so far */
export function toStream(
  chunks: AsyncIterable<Uint8Array>,
  passed: (bytes: number) => void = () => {},
): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  let bytes = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) return controller.close()
        bytes += value.byteLength
        controller.enqueue(value)
        passed(bytes)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

import type { Source, UploadOptions } from './client.ts'

/** A source that is ready to be sent. */
export interface UploadBody {
  readonly mediaType: string
  /** Size in bytes; null when nobody knows it before the end. */
  readonly bytes: number | null
  /** All of it at once, where it is held at once anyway. */
  readonly blob: (() => Blob) | undefined
  /** Chunk by chunk; streams can be read once only. */
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

/** A Blob takes no shared memory; a copy it takes. */
function blobOf(all: Uint8Array): Blob {
  const { buffer, byteOffset, byteLength } = all
  return new Blob([
    buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : all.slice(),
  ])
}

/** So much at a time that progress can be told of. */
const sliceBytes = 256 * 1024

async function* slices(all: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < all.byteLength; at += sliceBytes) yield all.subarray(at, at + sliceBytes)
}

/** A stream as an async iterable, also where it is not one by itself. Leaving the loop cancels it. */
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

/** An async iterable as a stream that is pulled. `passed` is told how many bytes have been taken so far. */
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

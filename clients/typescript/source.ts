import type { Source, UploadOptions } from './client.ts'

/** A source that is ready to be sent. */
export interface Cargo {
  readonly mediaType: string
  /** Size in bytes; null when nobody knows it before the end. */
  readonly bytes: number | null
  /** All of it at once, where it is held at once anyway. */
  readonly blob: Blob | undefined
  /** Chunk by chunk; streams can be read once only. */
  chunks(): AsyncIterable<Uint8Array>
}

const unknownType = 'application/octet-stream'

export function cargoOf(source: Source, { mediaType, bytes }: UploadOptions = {}): Cargo {
  const blob = blobOf(source)
  if (blob) {
    return {
      mediaType: mediaType ?? (blob.type === '' ? unknownType : blob.type),
      bytes: blob.size,
      blob,
      chunks: () => chunksOf(blob.stream()),
    }
  }
  const stream = source as ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>
  return {
    mediaType: mediaType ?? unknownType,
    bytes: bytes ?? null,
    blob: undefined,
    chunks: () => ('getReader' in stream ? chunksOf(stream) : stream),
  }
}

function blobOf(source: Source): Blob | undefined {
  if (source instanceof Blob) return source
  if (source instanceof ArrayBuffer) return new Blob([source])
  if (source instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = source
    // A Blob takes no shared memory; a copy it takes.
    return new Blob([
      buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : source.slice(),
    ])
  }
  return undefined
}

/** A stream as an async iterable, also where it is not one by itself. Leaving the loop cancels it. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
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
export function streamOf(
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

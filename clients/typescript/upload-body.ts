import type { ImageInput, UploadOptions } from './client.ts'

/** A file to send, whatever type of source the caller passed. */
export interface UploadBody {
  readonly mediaType: string
  /** Size in bytes; null if unknown. */
  readonly bytes: number | null
  /** The whole file, if it is in memory or a Blob. */
  readonly blob: (() => Blob) | undefined
  /** The file in chunks. A stream can be read only once. */
  chunks(): AsyncIterable<Uint8Array>
}

const defaultMediaType = 'application/octet-stream'

export function toUploadBody(source: ImageInput, { mediaType, bytes }: UploadOptions = {}): UploadBody {
  if (source instanceof Blob) {
    const type = source.type === '' ? defaultMediaType : source.type
    return {
      mediaType: mediaType ?? type,
      bytes: source.size,
      blob: () => source,
      chunks: () => readChunks(source.stream()),
    }
  }
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const file = source instanceof ArrayBuffer ? new Uint8Array(source) : source
    return {
      mediaType: mediaType ?? defaultMediaType,
      bytes: file.byteLength,
      blob: () => toBlob(file),
      chunks: () => readSlices(file),
    }
  }
  return {
    mediaType: mediaType ?? defaultMediaType,
    bytes: bytes ?? null,
    blob: undefined,
    chunks: () => ('getReader' in source ? readChunks(source) : source),
  }
}

/** Creates a Blob. Copies shared memory, which a Blob does not accept. */
function toBlob(file: Uint8Array): Blob {
  const { buffer, byteOffset, byteLength } = file
  return new Blob([
    buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : file.slice(),
  ])
}

/** Chunk size, small enough for progress reports. */
const sliceBytes = 256 * 1024

async function* readSlices(file: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < file.byteLength; at += sliceBytes) yield file.subarray(at, at + sliceBytes)
}

/** Iterates over a stream, also on platforms where streams are not iterable. Leaving the loop cancels it. */
export async function* readChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader()
  let isAtEnd = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        isAtEnd = true
        return
      }
      yield value
    }
  } finally {
    if (!isAtEnd) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

/** Converts an async iterable to a stream that reads on demand. @param onRead called with the bytes read so far */
export function toStream(
  chunks: AsyncIterable<Uint8Array>,
  onRead: (bytes: number) => void = () => {},
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
        onRead(bytes)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

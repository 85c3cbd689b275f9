import { imageView, type ImageView } from '@pixelflow/core/api'
import { exitOf } from './problem.ts'
import { read, type Server } from './server.ts'
import type { Source } from './source.ts'

/** Sends a picture as a stream, never more of it in memory than a few chunks; `sent` is told the bytes so far. */
export async function upload(
  server: Server,
  source: Source,
  sent: (bytes: number) => void,
): Promise<ImageView> {
  let bytes = 0
  const chunks = source.stream()[Symbol.asyncIterator]()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) {
        controller.close()
        return
      }
      bytes += value.length
      controller.enqueue(value)
      sent(bytes)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
  const response = await server.fetch('/api/v1/images', {
    method: 'POST',
    headers: {
      'content-type': source.mediaType,
      // With the length known, too large a picture is refused before its bytes have travelled.
      ...(source.bytes === null ? {} : { 'content-length': String(source.bytes) }),
    },
    body,
    timeout: false,
  })
  if (!response.ok) throw await exitOf(response)
  return read(imageView, response)
}

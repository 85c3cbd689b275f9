import type { ImageView } from '@pixelflow/core/views'

export interface MeasuredUpload {
  readonly bytesPerSecond: number
  /** Id of the image. */
  readonly id: string
}

/** Measures one upload over HTTP: a stream that begins like a TIFF, generated while it is sent, in blocks as large as those of the plain put. */
export async function measureHttpUpload(baseUrl: string, totalBytes: number): Promise<MeasuredUpload> {
  const block = crypto.getRandomValues(new Uint8Array(256 * 1024))
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= totalBytes) return controller.close()
      const next = block.slice(0, totalBytes - sent)
      if (sent === 0) next.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
      else new DataView(next.buffer).setFloat64(0, sent)
      sent += next.length
      controller.enqueue(next)
    },
  })
  const startedAt = performance.now()
  const response = await fetch(`${baseUrl}/api/v1/images`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'image/tiff', 'content-length': String(totalBytes) },
  })
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`)
  const { id } = (await response.json()) as ImageView
  return { id, bytesPerSecond: totalBytes / ((performance.now() - startedAt) / 1000) }
}

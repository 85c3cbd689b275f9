import type { TaskView } from '@pixelflow/core/views'

/** One picture all the way, as a client does it: upload with its recipe, wait on the event stream, fetch the result. */
export async function stored(baseUrl: string, source: Uint8Array<ArrayBuffer>): Promise<void> {
  const form = new FormData()
  form.set('recipe', 'resize:800')
  form.set('file', new Blob([source], { type: 'image/jpeg' }), 'photo.jpg')
  const created = await fetch(`${baseUrl}/api/v1/tasks`, { method: 'POST', body: form })
  if (created.status !== 202) throw new Error(`create: ${created.status} ${await created.text()}`)
  const { id } = (await created.json()) as TaskView

  const events = await (await fetch(`${baseUrl}/api/v1/tasks/${id}/events`)).text()
  if (!events.includes('event: completed')) throw new Error(`task ${id} did not complete:\n${events}`)

  const result = await fetch(`${baseUrl}/api/v1/tasks/${id}/outputs/default`)
  const bytes = (await result.arrayBuffer()).byteLength
  if (result.status !== 200 || bytes < 1000) throw new Error(`result: ${result.status}, ${bytes} bytes`)
}

/** Bytes a second of one upload through the gateway: a TIFF-headed stream, made as it is sent. */
export async function upload(baseUrl: string, totalBytes: number): Promise<number> {
  const block = crypto.getRandomValues(new Uint8Array(64 * 1024))
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= totalBytes) return controller.close()
      const next = block.slice()
      if (sent === 0) next.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
      else new DataView(next.buffer).setFloat64(0, sent)
      sent += next.length
      controller.enqueue(next)
    },
  })
  const begin = performance.now()
  const response = await fetch(`${baseUrl}/api/v1/images`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'image/tiff', 'content-length': String(totalBytes) },
  })
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`)
  return totalBytes / ((performance.now() - begin) / 1000)
}

import type { TaskView } from '@pixelflow/core/views'

/** Processes one image as a client does: uploads it with its recipe, waits on the event stream, downloads the result. */
export async function processStoredImage(baseUrl: string, source: Uint8Array<ArrayBuffer>): Promise<void> {
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

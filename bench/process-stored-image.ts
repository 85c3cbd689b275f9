import type { TaskView } from '@pixelflow/core/views'

/**
 * Processes one image as a client does: uploads it with its recipe, waits on the event stream, downloads the result.
 * @throws Error when the server refuses a request, the task fails, or the result is not an image.
 */
export async function processStoredImage(
  baseUrl: string,
  source: Uint8Array<ArrayBuffer>,
  recipe: string,
): Promise<void> {
  const form = new FormData()
  form.set('recipe', recipe)
  form.set('file', new Blob([source], { type: 'image/jpeg' }), 'photo.jpg')
  const created = await fetch(`${baseUrl}/api/v1/tasks`, { method: 'POST', body: form })
  if (created.status !== 202) throw new Error(`create: ${created.status} ${await created.text()}`)
  const { id } = (await created.json()) as TaskView

  const events = await (await fetch(`${baseUrl}/api/v1/tasks/${id}/events`)).text()
  if (!events.includes('event: completed')) throw new Error(`task ${id} did not complete:\n${events}`)

  const result = await fetch(`${baseUrl}/api/v1/tasks/${id}/outputs/default`)
  const bytes = (await result.arrayBuffer()).byteLength
  if (result.status !== 200 || bytes < 100) throw new Error(`result: ${result.status}, ${bytes} bytes`)
}

import { effect } from '@preact/signals'
import { PixelflowError, type Client, type TaskView } from '@pixelflow/client'
import type { Sources } from './source.ts'
import type { Upload, Uploads } from './uploads.ts'

export interface HandIn {
  readonly client: Client
  readonly sources: Sources
  readonly uploads: Uploads
  /** The recipe as it is sent to the server. */
  readonly recipe: Record<string, unknown>
  readonly signal: AbortSignal
  /** Called with the upload that the task waits for. */
  readonly onUpload: (upload: Upload) => void
}

/**
 * Creates a task for the current image, and uploads it first unless the server has it.
 * @throws PixelflowError, or `AbortError` when `signal` aborts.
 */
export async function handIn(work: HandIn): Promise<TaskView> {
  const { sources } = work
  const known = sources.current.value?.imageId ?? null
  if (known === null) return createTask(work, await sendImage(work))
  try {
    return await createTask(work, known)
  } catch (thrown) {
    if (!(thrown instanceof PixelflowError) || thrown.code !== 'image_not_found') throw thrown
    // The image has expired on the server; upload it again.
    sources.stored(null)
    return createTask(work, await sendImage(work))
  }
}

function createTask({ client, uploads, recipe, signal }: HandIn, image: string): Promise<TaskView> {
  // Marked before the response: the server can accept the task although the response is lost.
  uploads.keep()
  return client.createTask(image, recipe, { signal })
}

async function sendImage({ uploads, signal, onUpload }: HandIn): Promise<string> {
  const sent = uploads.send(signal)
  const stop = effect(() => {
    if (uploads.current.value !== null && !signal.aborted) onUpload(uploads.current.value)
  })
  try {
    return await sent
  } finally {
    stop()
  }
}

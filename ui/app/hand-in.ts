import { effect } from '@preact/signals'
import { PixelflowError, type Client, type TaskView } from '@pixelflow/client'
import type { Sources } from './source.ts'
import type { Upload, Uploads } from './uploads.ts'

export interface HandIn {
  readonly client: Client
  readonly sources: Sources
  readonly uploads: Uploads
  /** As it is sent. */
  readonly recipe: Record<string, unknown>
  readonly signal: AbortSignal
  /** Told of the upload that this task had to wait for. */
  readonly onUpload: (upload: Upload) => void
}

/**
 * Makes a task of the current picture: uploads it unless the server has it already.
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
    // Its retention ended since it was sent; it is still here, so send it again.
    sources.stored(null)
    return createTask(work, await sendImage(work))
  }
}

function createTask({ client, uploads, recipe, signal }: HandIn, image: string): Promise<TaskView> {
  // Before anybody knows whether it is accepted: it may be, and the answer lost.
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

import { effect } from '@preact/signals'
import { PixelflowError, type Client, type TaskView } from '@pixelflow/client'
import type { ImageSelection } from './image-selection.ts'
import type { Upload, Uploads } from './uploads.ts'

export interface RecipeSubmission {
  readonly client: Client
  readonly selection: ImageSelection
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
export async function submitRecipe(submission: RecipeSubmission): Promise<TaskView> {
  const { selection } = submission
  const known = selection.current.value?.imageId ?? null
  if (known === null) return createTask(submission, await uploadImage(submission))
  try {
    return await createTask(submission, known)
  } catch (thrown) {
    if (!(thrown instanceof PixelflowError) || thrown.code !== 'image_not_found') throw thrown
    // The image has expired on the server; upload it again.
    selection.setStored(null)
    return createTask(submission, await uploadImage(submission))
  }
}

function createTask({ client, uploads, recipe, signal }: RecipeSubmission, image: string): Promise<TaskView> {
  // Marked before the response: the server can accept the task although the response is lost.
  uploads.markUsed()
  return client.createTask(image, recipe, { signal })
}

async function uploadImage({ uploads, signal, onUpload }: RecipeSubmission): Promise<string> {
  const imageId = uploads.send(signal)
  const dispose = effect(() => {
    if (uploads.current.value !== null && !signal.aborted) onUpload(uploads.current.value)
  })
  try {
    return await imageId
  } finally {
    dispose()
  }
}

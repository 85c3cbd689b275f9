import { PixelflowError, type Client, type ImageView, type TaskView } from '@pixelflow/client'
import { format } from '@pixelflow/core/format'
import type { Sources } from './source.ts'

export interface Upload {
  readonly sentBytes: number
  readonly totalBytes: number
  /** How long it took, in milliseconds; null while it goes on. */
  readonly tookMs: number | null
}

export interface HandIn {
  readonly client: Client
  readonly sources: Sources
  /** As it is sent. */
  readonly recipe: Record<string, unknown>
  readonly signal: AbortSignal
  readonly onUpload: (upload: Upload) => void
}

/**
 * Makes a task of the current picture: uploads it unless the server has it already.
 * @throws PixelflowError, or `AbortError` when `signal` aborts.
 */
export async function handIn(work: HandIn): Promise<TaskView> {
  const { sources } = work
  const known = sources.current.value?.imageId ?? null
  if (known === null) return createTask(work, (await sendImage(work)).id)
  try {
    return await createTask(work, known)
  } catch (thrown) {
    if (!(thrown instanceof PixelflowError) || thrown.code !== 'image_not_found') throw thrown
    // Its retention ended since it was sent; it is still here, so send it again.
    sources.stored(null)
    return createTask(work, (await sendImage(work)).id)
  }
}

function createTask({ client, recipe, signal }: HandIn, image: string): Promise<TaskView> {
  return client.createTask(image, recipe, { signal })
}

async function sendImage({ client, sources, signal, onUpload }: HandIn): Promise<ImageView> {
  const source = sources.current.value
  if (source?.file == null || source.format === undefined) throw new Error('There is no picture to send.')
  const began = performance.now()
  const totalBytes = source.file.size
  onUpload({ sentBytes: 0, totalBytes, tookMs: null })
  const image = await client.upload(source.file, {
    mediaType: format(source.format).mediaType,
    signal,
    onSent: (sentBytes) => onUpload({ sentBytes, totalBytes, tookMs: null }),
  })
  onUpload({ sentBytes: totalBytes, totalBytes, tookMs: performance.now() - began })
  sources.stored(image)
  return image
}

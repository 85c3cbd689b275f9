import { signal, type ReadonlySignal } from '@preact/signals'
import type { Client } from '@pixelflow/client'
import { formatOf } from '@pixelflow/core/format'
import type { SelectedImage, ImageSelection } from './image-selection.ts'

export interface Upload {
  readonly sentBytes: number
  readonly totalBytes: number
  /** Duration in milliseconds; null while it runs. */
  readonly durationMs: number | null
}

/** Uploads the current image once for all uses. */
export interface Uploads {
  /** The latest upload that was not aborted. */
  readonly current: ReadonlySignal<Upload | null>
  /**
   * Id of the current image on the server. All callers share one upload; it is aborted when the last of them aborts.
   * @throws PixelflowError, or the signal's reason.
   */
  send(signal: AbortSignal): Promise<string>
  /** Marks the image as used by a task: it stays on the server. */
  markUsed(): void
  /** Deletes an image that no task uses. Never throws, because the image expires anyway. */
  deleteUnused(): Promise<void>
}

/** An upload in progress. */
interface PendingUpload {
  readonly source: SelectedImage
  readonly done: Promise<string>
  readonly abortController: AbortController
  /** Number of callers that wait for it. */
  callers: number
}

export function createUploads(client: Client, selection: ImageSelection): Uploads {
  const current = signal<Upload | null>(null)
  let pending: PendingUpload | undefined
  /** An uploaded image without a task. */
  let unusedImageId: string | undefined

  async function upload(source: SelectedImage, abortSignal: AbortSignal): Promise<string> {
    if (source.file === null || source.format === undefined) throw new Error('No image is selected.')
    const startedAt = performance.now()
    const totalBytes = source.file.size
    const reportProgress = (sentBytes: number, durationMs: number | null = null) => {
      if (!abortSignal.aborted) current.value = { sentBytes, totalBytes, durationMs }
    }
    reportProgress(0)
    const image = await client.upload(source.file, {
      mediaType: formatOf(source.format).mediaType,
      signal: abortSignal,
      onSent: (sentBytes) => reportProgress(sentBytes),
    })
    abortSignal.throwIfAborted()
    reportProgress(totalBytes, performance.now() - startedAt)
    selection.setStored(image)
    unusedImageId = image.id
    return image.id
  }

  function startUpload(source: SelectedImage): PendingUpload {
    const abortController = new AbortController()
    const done = upload(source, abortController.signal).finally(() => {
      if (pending?.abortController === abortController) pending = undefined
    })
    return { source, done, abortController, callers: 0 }
  }

  function release(one: PendingUpload): void {
    one.callers -= 1
    if (one.callers > 0) return
    if (pending === one) pending = undefined
    one.abortController.abort()
    current.value = null
  }

  return {
    current,
    markUsed: () => (unusedImageId = undefined),
    async deleteUnused() {
      const id = unusedImageId
      unusedImageId = undefined
      if (id !== undefined) await client.deleteImage(id).catch(() => {})
    },
    async send(callerSignal) {
      callerSignal.throwIfAborted()
      const source = selection.current.peek()
      if (source === null) throw new Error('No image is selected.')
      if (source.imageId !== null) return source.imageId
      if (pending?.source.url !== source.url) pending = startUpload(source)
      const one = pending
      one.callers += 1
      const { promise, reject } = Promise.withResolvers<never>()
      const onAbort = () => {
        reject(callerSignal.reason)
        release(one)
      }
      callerSignal.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([one.done, promise])
      } finally {
        callerSignal.removeEventListener('abort', onAbort)
      }
    },
  }
}

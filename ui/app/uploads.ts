import { signal, type ReadonlySignal } from '@preact/signals'
import type { Client } from '@pixelflow/client'
import { format } from '@pixelflow/core/format'
import type { Source, Sources } from './source.ts'

export interface Upload {
  readonly sentBytes: number
  readonly totalBytes: number
  /** Duration in milliseconds; null while it runs. */
  readonly tookMs: number | null
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
  keep(): void
  /** Deletes an image that no task uses. Never throws, because the image expires anyway. */
  discard(): Promise<void>
}

interface Sending {
  readonly source: Source
  readonly done: Promise<string>
  readonly stop: AbortController
  waiting: number
}

export function createUploads(client: Client, sources: Sources): Uploads {
  const current = signal<Upload | null>(null)
  let sending: Sending | undefined
  /** Id of an uploaded image without a task. */
  let unused: string | undefined

  async function upload(source: Source, stop: AbortSignal): Promise<string> {
    if (source.file === null || source.format === undefined) throw new Error('No image selected.')
    const began = performance.now()
    const totalBytes = source.file.size
    const tell = (sentBytes: number, tookMs: number | null = null) => {
      if (!stop.aborted) current.value = { sentBytes, totalBytes, tookMs }
    }
    tell(0)
    const image = await client.upload(source.file, {
      mediaType: format(source.format).mediaType,
      signal: stop,
      onSent: (sentBytes) => tell(sentBytes),
    })
    stop.throwIfAborted()
    tell(totalBytes, performance.now() - began)
    sources.stored(image)
    unused = image.id
    return image.id
  }

  function begin(source: Source): Sending {
    const stop = new AbortController()
    const done = upload(source, stop.signal).finally(() => {
      if (sending?.stop === stop) sending = undefined
    })
    return { source, done, stop, waiting: 0 }
  }

  function leave(one: Sending): void {
    one.waiting -= 1
    if (one.waiting > 0) return
    if (sending === one) sending = undefined
    one.stop.abort()
    current.value = null
  }

  return {
    current,
    keep: () => (unused = undefined),
    async discard() {
      const id = unused
      unused = undefined
      if (id !== undefined) await client.deleteImage(id).catch(() => {})
    },
    async send(wanted) {
      wanted.throwIfAborted()
      const source = sources.current.peek()
      if (source === null) throw new Error('No image selected.')
      if (source.imageId !== null) return source.imageId
      if (sending?.source.url !== source.url) sending = begin(source)
      const one = sending
      one.waiting += 1
      const { promise, reject } = Promise.withResolvers<never>()
      const aborted = () => {
        reject(wanted.reason)
        leave(one)
      }
      wanted.addEventListener('abort', aborted, { once: true })
      try {
        return await Promise.race([one.done, promise])
      } finally {
        wanted.removeEventListener('abort', aborted)
      }
    },
  }
}

import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, ImageView, ServerSettings } from '@pixelflow/client'
import { sniffFormat, sniffBytes, type FormatId } from '@pixelflow/core/format'
import { blobOf } from '../api/blob.ts'
import type { Notice } from '../api/notice.ts'
import { refusalOf } from './refusal.ts'
import type { FileNames } from './file-names.ts'

/** The current image: a local file or an image of the server. */
export interface Source {
  readonly name: string
  readonly bytes: number
  /** The format by its first bytes; undefined if PixelFlow does not read it. */
  readonly format: FormatId | undefined
  readonly width: number | null
  readonly height: number | null
  /** Object URL of the image; null while it is downloaded. */
  readonly url: string | null
  /** Whether this browser can decode it; null while unknown. Most browsers cannot decode TIFF. */
  readonly drawable: boolean | null
  readonly file: Blob | null
  /** Whether it is a local file; otherwise it was downloaded from the server. */
  readonly isLocal: boolean
  /** Its id on the server, once it is uploaded. */
  readonly imageId: string | null
}

export interface Sources {
  readonly current: ReadonlySignal<Source | null>
  /** Why the current image cannot be used, if so. */
  readonly refusal: ReadonlySignal<Notice | null>
  /**
   * Selects a local file: checks its first bytes and size immediately, then its dimensions. If there is a current
   * image, a file that cannot be used does not replace it, and the reason is returned.
   * @param onTake called before the file replaces the current image
   */
  pick(file: File, onTake: () => void): Promise<Notice | null>
  /** Selects an image of the server and downloads it for the preview. */
  fetch(imageId: string, signal: AbortSignal): Promise<void>
  /** Stores the server's metadata of the current image after an upload; null when the image has expired there. */
  stored(image: ImageView | null): void
  clear(): void
}

export function createSources(
  client: Client,
  settings: ReadonlySignal<ServerSettings | null>,
  names: FileNames,
): Sources {
  const current = signal<Source | null>(null)

  function put(next: Source | null): void {
    const url = current.value?.url ?? null
    if (url !== null && url !== next?.url) URL.revokeObjectURL(url)
    current.value = next
  }

  /** Decodes the image in the browser to find its dimensions, and whether the browser can decode it. */
  async function draw(source: Source & { url: string }): Promise<void> {
    const size = await measure(source.url)
    if (current.value?.url !== source.url) return
    const { width, height } = size ?? { width: current.value.width, height: current.value.height }
    put({ ...current.value, width, height, drawable: size !== null })
  }

  /** Why an image cannot be used; checked before it replaces the current one. */
  async function refusalBefore(source: Source & { url: string }): Promise<Notice | null> {
    const known = refusalOf(source, settings.value)
    if (known !== null) return known
    const size = await measure(source.url)
    return refusalOf({ ...source, ...size }, settings.value)
  }

  return {
    current,
    refusal: computed(() => current.value && refusalOf(current.value, settings.value)),
    async pick(file, onTake) {
      const format = sniffFormat(new Uint8Array(await file.slice(0, sniffBytes).arrayBuffer()))
      const source = {
        name: file.name === '' ? 'pasted-image' : file.name,
        bytes: file.size,
        format,
        width: null,
        height: null,
        url: URL.createObjectURL(file),
        drawable: format === undefined ? false : null,
        file,
        isLocal: true,
        imageId: null,
      }
      const refused = current.value === null ? null : await refusalBefore(source)
      if (refused !== null) {
        URL.revokeObjectURL(source.url)
        return refused
      }
      onTake()
      put(source)
      if (format !== undefined) await draw(source)
      return null
    },
    async fetch(imageId, stop) {
      const view = await client.image(imageId, { signal: stop })
      const { bytes, format, width, height } = view
      const name = names.of(imageId) ?? `image.${format}`
      const known = { name, bytes, format, width, height, imageId, isLocal: false, file: null }
      put({ ...known, url: null, drawable: null })
      const file = await blobOf(client, { image: imageId }, stop)
      const source = { ...known, file, url: URL.createObjectURL(file), drawable: null }
      put(source)
      await draw(source)
    },
    stored(image) {
      const { value: source } = current
      if (source === null) return
      if (image === null) return put({ ...source, imageId: null })
      names.remember(image.id, source.name)
      // The server reads headers that browsers may not read, those of TIFF for example.
      // SVG drawings have the size at which they are rendered, and browsers differ in it.
      const isSeen = source.drawable === true && source.format !== 'svg'
      const { width, height } = isSeen ? source : image
      put({ ...source, imageId: image.id, width, height })
    },
    clear: () => put(null),
  }
}

/** Decodes an image in the browser; null when it cannot. */
export async function measure(url: string): Promise<{ width: number; height: number } | null> {
  const picture = new Image()
  picture.src = url
  try {
    await picture.decode()
    return { width: picture.naturalWidth, height: picture.naturalHeight }
  } catch {
    // Not reported as an error: either the browser has no decoder or the file is corrupt. The server finds out which.
    return null
  }
}

import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, ImageView, ServerSettings } from '@pixelflow/client'
import { sniffFormat, sniffBytes, type FormatId } from '@pixelflow/core/format'
import { blobOf } from '../api/blob.ts'
import type { Notice } from '../api/notice.ts'
import { refusalOf } from './refusal.ts'
import type { FileNames } from './file-names.ts'

/** The picture on the table: chosen here, or one the server has. */
export interface Source {
  readonly name: string
  readonly bytes: number
  /** What its first bytes show; undefined when they show nothing PixelFlow reads. */
  readonly format: FormatId | undefined
  readonly width: number | null
  readonly height: number | null
  /** Object URL of the picture; null while it is fetched. */
  readonly url: string | null
  /** Whether this browser can draw it; null until that is known. TIFF, for one, it cannot. */
  readonly drawable: boolean | null
  readonly file: Blob | null
  /** Whether it was chosen on this machine; else it was fetched from the server. */
  readonly isLocal: boolean
  /** Id on the server, once it is there. */
  readonly imageId: string | null
}

export interface Sources {
  readonly current: ReadonlySignal<Source | null>
  /** Why the current picture cannot be used, if so. */
  readonly refusal: ReadonlySignal<Notice | null>
  /**
   * Takes a file of this machine: looks at its first bytes and size at once, then at its dimensions. Where a picture
   * lies already, a file that cannot be used leaves it alone, and the reason is returned.
   * @param onTake called before the file takes the place of what lies there
   */
  pick(file: File, onTake: () => void): Promise<Notice | null>
  /** Takes a picture that the server has; its bytes are fetched for the preview. */
  fetch(imageId: string, signal: AbortSignal): Promise<void>
  /** Remembers what the server says of the current picture, now that it has it; null when it no longer has. */
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

  /** Lets the browser decode, to know the dimensions; and whether it can. */
  async function draw(source: Source & { url: string }): Promise<void> {
    const size = await measure(source.url)
    if (current.value?.url !== source.url) return
    const { width, height } = size ?? { width: current.value.width, height: current.value.height }
    put({ ...current.value, width, height, drawable: size !== null })
  }

  /** Why a picture could not be used, known before it takes the place of another one. */
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
      // The server reads headers that this browser may not, TIFF's for one.
      // And drawings have the size they will be drawn at, which browsers differ about.
      const isSeen = source.drawable === true && source.format !== 'svg'
      const { width, height } = isSeen ? source : image
      put({ ...source, imageId: image.id, width, height })
    },
    clear: () => put(null),
  }
}

/** Has the browser decode a picture; null when it cannot. */
export async function measure(url: string): Promise<{ width: number; height: number } | null> {
  const picture = new Image()
  picture.src = url
  try {
    await picture.decode()
    return { width: picture.naturalWidth, height: picture.naturalHeight }
  } catch {
    // Not an error of ours: the browser has no decoder for it, or the file is broken. The server will tell which.
    return null
  }
}

import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, ImageView, ServerSettings } from '@pixelflow/client'
import { sniffFormat, sniffBytes, type FormatId } from '@pixelflow/core/format'
import { downloadBlob } from '../api/download-blob.ts'
import type { Notice } from '../api/notice.ts'
import { checkImage } from './check-image.ts'
import type { FileNames } from './file-names.ts'

/** The current image: a local file or an image of the server. */
export interface SelectedImage {
  readonly name: string
  readonly bytes: number
  /** The format by its first bytes; undefined if PixelFlow does not read it. */
  readonly format: FormatId | undefined
  readonly width: number | null
  readonly height: number | null
  /** Object URL of the image; null while it is downloaded. */
  readonly url: string | null
  /** Whether this browser can decode it; null while unknown. Most browsers cannot decode TIFF. */
  readonly isDecodable: boolean | null
  readonly file: Blob | null
  /** Whether it is a local file; otherwise it is downloaded from the server. */
  readonly isLocal: boolean
  /** Its id on the server, once it is uploaded. */
  readonly imageId: string | null
}

export interface ImageSelection {
  readonly current: ReadonlySignal<SelectedImage | null>
  /** Why the current image cannot be used, if so. */
  readonly refusal: ReadonlySignal<Notice | null>
  /**
   * Selects a local file: checks its first bytes and size immediately, then its dimensions. If there is a current
   * image, a file that cannot be used does not replace it, and the reason is returned.
   * @param onSelect called before the file replaces the current image
   */
  select(file: File, onSelect: () => void): Promise<Notice | null>
  /** Selects an image of the server and downloads it for the preview. */
  download(imageId: string, signal: AbortSignal): Promise<void>
  /** Stores the server's metadata of the current image after an upload; null when the image has expired there. */
  setStored(image: ImageView | null): void
  clear(): void
}

export function createImageSelection(
  client: Client,
  settings: ReadonlySignal<ServerSettings | null>,
  names: FileNames,
): ImageSelection {
  const current = signal<SelectedImage | null>(null)

  function setCurrent(next: SelectedImage | null): void {
    const url = current.value?.url ?? null
    if (url !== null && url !== next?.url) URL.revokeObjectURL(url)
    current.value = next
  }

  /** Decodes the current image in the browser to find its dimensions, and whether the browser can decode it. */
  async function measureCurrent(source: SelectedImage & { url: string }): Promise<void> {
    const size = await measureImage(source.url)
    if (current.value?.url !== source.url) return
    const { width, height } = size ?? { width: current.value.width, height: current.value.height }
    setCurrent({ ...current.value, width, height, isDecodable: size !== null })
  }

  /** Why an image cannot be used; checked before it replaces the current one. */
  async function checkBeforeSelect(source: SelectedImage & { url: string }): Promise<Notice | null> {
    const known = checkImage(source, settings.value)
    if (known !== null) return known
    const size = await measureImage(source.url)
    return checkImage({ ...source, ...size }, settings.value)
  }

  return {
    current,
    refusal: computed(() => current.value && checkImage(current.value, settings.value)),
    async select(file, onSelect) {
      const format = sniffFormat(new Uint8Array(await file.slice(0, sniffBytes).arrayBuffer()))
      const source = {
        name: file.name === '' ? 'pasted-image' : file.name,
        bytes: file.size,
        format,
        width: null,
        height: null,
        url: URL.createObjectURL(file),
        isDecodable: format === undefined ? false : null,
        file,
        isLocal: true,
        imageId: null,
      }
      const refusal = current.value === null ? null : await checkBeforeSelect(source)
      if (refusal !== null) {
        URL.revokeObjectURL(source.url)
        return refusal
      }
      onSelect()
      setCurrent(source)
      if (format !== undefined) await measureCurrent(source)
      return null
    },
    async download(imageId, abortSignal) {
      const view = await client.image(imageId, { signal: abortSignal })
      const { bytes, format, width, height } = view
      const name = names.find(imageId) ?? `image.${format}`
      const known = { name, bytes, format, width, height, imageId, isLocal: false, file: null }
      setCurrent({ ...known, url: null, isDecodable: null })
      const file = await downloadBlob(client, { image: imageId }, abortSignal)
      const source = { ...known, file, url: URL.createObjectURL(file), isDecodable: null }
      setCurrent(source)
      await measureCurrent(source)
    },
    setStored(image) {
      const { value: source } = current
      if (source === null) return
      if (image === null) return setCurrent({ ...source, imageId: null })
      names.remember(image.id, source.name)
      // The server reads headers that browsers may not read, those of TIFF for example.
      // SVG drawings have the size at which they are rendered, and browsers differ in it.
      const isMeasured = source.isDecodable === true && source.format !== 'svg'
      const { width, height } = isMeasured ? source : image
      setCurrent({ ...source, imageId: image.id, width, height })
    },
    clear: () => setCurrent(null),
  }
}

/** Decodes an image in the browser; null when it cannot. */
export async function measureImage(url: string): Promise<{ width: number; height: number } | null> {
  const image = new Image()
  image.src = url
  try {
    await image.decode()
    return { width: image.naturalWidth, height: image.naturalHeight }
  } catch {
    // Not an error of the page: either the browser has no decoder or the file is corrupt. The server finds out which.
    return null
  }
}

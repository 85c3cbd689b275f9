import type { Notice } from '../api/notice.ts'
import { inLimit, inMegapixels } from '../text/amounts.ts'
import { formatName, inList } from '../text/names.ts'
import type { ServerSettings } from '@pixelflow/client'
import type { Source } from './source.ts'

type Candidate = Pick<Source, 'name' | 'bytes' | 'format' | 'width' | 'height'>

/** Why the server would refuse this file, checked before the upload; null when no check fails. */
export function refusalOf(source: Candidate, settings: ServerSettings | null): Notice | null {
  const { name, bytes, format, width, height } = source
  if (bytes === 0) {
    return {
      title: 'This file is empty',
      detail: `${name} has no content.`,
      remedy: 'Choose another file.',
      code: 'invalid_request',
    }
  }
  if (format === undefined || (settings !== null && !settings.formats.includes(format))) {
    const readable = (settings?.formats ?? ['jpeg', 'png', 'webp']).map(formatName)
    return {
      title: 'This kind of file is not supported',
      detail: `${name} does not begin like any picture PixelFlow reads.`,
      remedy: `Choose a ${readable.slice(0, -1).join(', ')} or ${readable.at(-1)} file.`,
      code: 'unsupported_format',
    }
  }
  if (settings === null) return null
  if (bytes > settings.maxUploadBytes) {
    return {
      title: 'This file is too large',
      detail: `${name} has ${inLimit(bytes)}; this server takes up to ${inLimit(settings.maxUploadBytes)}.`,
      remedy: 'Choose a smaller file, or raise PIXELFLOW_MAX_UPLOAD_BYTES on the server.',
      code: 'image_too_large',
    }
  }
  if (width !== null && height !== null && width * height > settings.maxPixels) {
    const most = inMegapixels(settings.maxPixels)
    return {
      title: 'This picture has too many pixels',
      detail: `${name} has ${inMegapixels(width * height)}; this server takes up to ${most}.`,
      remedy: 'Choose a smaller picture, or raise PIXELFLOW_MAX_PIXELS on the server.',
      code: 'too_many_pixels',
    }
  }
  return null
}

/** `JPEG, PNG and WebP, up to 512 MiB` */
export function acceptedFiles(settings: ServerSettings): string {
  return `${inList(settings.formats.map(formatName))}, up to ${inLimit(settings.maxUploadBytes)}`
}

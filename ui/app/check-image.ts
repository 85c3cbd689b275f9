import type { ServerSettings } from '@pixelflow/client'
import type { FaultCode } from '@pixelflow/core/fault'
import { findFaultTitle, type Notice } from '../api/notice.ts'
import { displayByteLimit } from '../text/display-bytes.ts'
import { displayFormat } from '../text/display-format.ts'
import { displayMegapixels } from '../text/display-megapixels.ts'
import { joinWords } from '../text/join-words.ts'
import type { SelectedImage } from './image-selection.ts'

type Candidate = Pick<SelectedImage, 'name' | 'bytes' | 'format' | 'width' | 'height'>

/** Why the server would refuse this file, checked before the upload; null when no check fails. */
export function checkImage(candidate: Candidate, settings: ServerSettings | null): Notice | null {
  const { name, bytes, format, width, height } = candidate
  if (bytes === 0) {
    return {
      title: 'Empty file',
      detail: `${name} has no content.`,
      remedy: 'Choose another file.',
      code: 'invalid_request',
    }
  }
  if (format === undefined || (settings !== null && !settings.formats.includes(format))) {
    const formats = (settings?.formats ?? ['jpeg', 'png', 'webp']).map(displayFormat)
    return createRefusal('unsupported_format', {
      detail: `${name} is not an image that this server reads.`,
      remedy: `Choose a ${joinWords(formats, 'or')} file.`,
    })
  }
  if (settings === null) return null
  if (bytes > settings.maxUploadBytes) {
    return createRefusal('image_too_large', {
      detail: `${name} has ${displayByteLimit(bytes)}; the limit of this server is ${displayByteLimit(settings.maxUploadBytes)}.`,
      remedy: 'Choose a smaller file, or raise PIXELFLOW_MAX_UPLOAD_BYTES on the server.',
    })
  }
  if (width !== null && height !== null && width * height > settings.maxPixels) {
    return createRefusal('too_many_pixels', {
      detail: `${name} has ${displayMegapixels(width * height)}; the limit of this server is ${displayMegapixels(settings.maxPixels)}.`,
      remedy: 'Choose a smaller image, or raise PIXELFLOW_MAX_PIXELS on the server.',
    })
  }
  return null
}

/** `JPEG, PNG and WebP, up to 512 MiB` */
export function describeAcceptedFiles(settings: ServerSettings): string {
  return `${joinWords(settings.formats.map(displayFormat))}, up to ${displayByteLimit(settings.maxUploadBytes)}`
}

function createRefusal(code: FaultCode, texts: { detail: string; remedy: string }): Notice {
  return { title: findFaultTitle(code), code, ...texts }
}

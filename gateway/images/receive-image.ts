import { Fault } from '@pixelflow/core/fault'
import { formats, type FormatId } from '@pixelflow/core/format'
import { maxSvgBytes } from '@pixelflow/core/svg'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { shorten } from '@pixelflow/core/shorten'
import { createImageHead, type Dimensions, type ImageHead } from './image-head.ts'
import type { ImageLimits } from '../ports.ts'

/** A file on its way in. */
export interface ImageUpload {
  /** Pulled: nothing is taken from the client before the store has room for it. */
  readonly body: AsyncIterable<Uint8Array>
  /** What the client calls it, without parameters and in lower case; null when it does not say. */
  readonly mediaType: string | null
  /** How many bytes the client promises; null when it does not say. */
  readonly bytes: number | null
  /** SHA-256 that the client promises, in lower case; asked once the body is over. */
  readonly sha256?: () => string | undefined
}

/** What the bytes themselves have told. */
export interface ReceivedImage extends Dimensions {
  readonly format: FormatId
}

/**
 * What can be refused before the first byte is read.
 * @throws Fault `unsupported_format`, `image_too_large`.
 */
export function requireAcceptable(
  { mediaType, bytes }: Omit<ImageUpload, 'body'>,
  limits: ImageLimits,
): void {
  if (mediaType === null) throw unsupported('The media type is missing.')
  if (!accepted.has(mediaType))
    throw unsupported(`The media type ${shorten(mediaType, 100)} is not supported.`)
  if (bytes !== null && bytes > limits.maxUploadBytes) throw imageTooLarge(limits)
}

/**
 * Pours a file to where it belongs while checking it, and stops at the first thing that is wrong.
 * @throws Fault `unsupported_format`, `image_too_large`, `too_many_pixels`, `truncated_upload`, `invalid_request`.
 */
export async function receiveImage(
  { body, bytes }: ImageUpload,
  write: Pick<BlobWrite, 'write'>,
  limits: ImageLimits,
): Promise<ReceivedImage> {
  const head = createImageHead()
  // What came before the format could be told: a few bytes in tiny pieces.
  const held: Uint8Array[] = []
  let taken = 0

  for await (const chunk of body) {
    taken += chunk.length
    if (taken > limits.maxUploadBytes) throw imageTooLarge(limits)
    head.look(chunk)
    if (!head.canTell) {
      held.push(chunk.slice())
      continue
    }
    judge(head, limits)
    if (head.format === 'svg' && taken > maxSvgBytes) throw imageTooLarge({ maxUploadBytes: maxSvgBytes })
    for (const one of held.splice(0)) await write.write(one)
    await write.write(chunk)
  }

  if (bytes !== null && taken < bytes) throw truncatedUpload()
  if (taken === 0) {
    throw new Fault('invalid_request', 'The file is empty.', { remedy: 'Send the bytes of an image.' })
  }
  head.end()
  const received = judge(head, limits)
  for (const one of held.splice(0)) await write.write(one)
  return received
}

function judge(
  { format, isPacked, dimensions = { width: null, height: null } }: ImageHead,
  { maxPixels }: ImageLimits,
): ReceivedImage {
  if (format === undefined && isPacked) throw packed()
  if (format === undefined) throw unsupported('The bytes are no image of a supported format.')
  const { width, height } = dimensions
  if (width !== null && height !== null && width * height > maxPixels) {
    const detail = `The image has ${width} × ${height} pixels; at most ${maxPixels} in all are taken.`
    throw new Fault('too_many_pixels', detail, { remedy: 'Send a smaller one.' })
  }
  return { format, width, height }
}

/** The promised end of the file never came. */
export function truncatedUpload(cause?: unknown): Fault {
  return new Fault('truncated_upload', 'The upload ended before the whole file had arrived.', {
    remedy: 'Send it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The client has sent nothing for too long. */
export function pausedUpload(idleMs: number): Fault {
  return new Fault(
    'truncated_upload',
    `The request paused for more than ${idleMs / 1000} s before all of it had arrived.`,
    {
      remedy: 'Send it again without pauses; the limit is PIXELFLOW_UPLOAD_IDLE_TIMEOUT.',
    },
  )
}

/** What has arrived is not what was sent. */
export function digestMismatch(): Fault {
  return new Fault('invalid_request', 'The SHA-256 of what has arrived is not the promised one.', {
    field: 'commit.sha256',
    remedy: 'Send the file again, and the digest of exactly these bytes.',
  })
}

/** Media types by which an image may come; old names of two formats are still met. What counts are the bytes. */
const accepted: ReadonlySet<string> = new Set([
  ...formats.map((one) => one.mediaType),
  'image/jpg',
  'image/pjpeg',
  'image/x-png',
  'application/octet-stream',
])

function unsupported(detail: string): Fault {
  const names = formats.map((one) => one.mediaType).join(', ')
  return new Fault('unsupported_format', detail, {
    field: 'media_type',
    remedy: `Send one of ${names}, or application/octet-stream to have the format detected.`,
  })
}

/** What a few bytes unpack to has no bound, so whoever has such a file unpacks it himself. */
function packed(): Fault {
  return new Fault('unsupported_format', 'The file is packed with gzip, as SVGZ is; that is not taken.', {
    field: 'media_type',
    remedy: 'Unpack it, with gunzip for example, and send the unpacked file.',
  })
}

export function imageTooLarge({ maxUploadBytes }: Pick<ImageLimits, 'maxUploadBytes'>): Fault {
  return new Fault(
    'image_too_large',
    `The file is too large: at most ${inWords(maxUploadBytes)} are taken.`,
    {
      remedy: 'Send a smaller one.',
    },
  )
}

function inWords(bytes: number): string {
  const mebibytes = bytes / 2 ** 20
  return mebibytes < 1 ? `${bytes} bytes` : `${Math.round(mebibytes * 10) / 10} MiB (${bytes} bytes)`
}

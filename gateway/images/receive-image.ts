import { Fault } from '@pixelflow/core/fault'
import { formats, type FormatId } from '@pixelflow/core/format'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { maxSvgBytes } from '@pixelflow/core/svg'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { shorten } from '@pixelflow/core/shorten'
import { createImageHead, type Dimensions, type ImageHead } from './image-head.ts'
import type { ImageLimits } from '../ports.ts'
import type { RequestField } from '../request-field.ts'

/** A file that a client sends. */
export interface ImageUpload {
  /** Pulled: bytes are read from the client only when the store accepts them. */
  readonly body: AsyncIterable<Uint8Array>
  /** Media type that the client sends, in lower case and without parameters; null when it sends none. */
  readonly mediaType: string | null
  /** Length that the client announces; null when it announces none. */
  readonly bytes: number | null
  /** SHA-256 that the client announces, in lower case; called after the body has ended. */
  readonly sha256?: () => string | undefined
}

/** What was detected from the bytes. */
export interface ReceivedImage extends Dimensions {
  readonly format: FormatId
}

/**
 * Refuses an upload before its first byte is read.
 * @throws Fault `unsupported_format`, `image_too_large`.
 */
export function requireAcceptable(
  { mediaType, bytes }: Omit<ImageUpload, 'body'>,
  limits: ImageLimits,
): void {
  if (mediaType === null) throw unsupported('The media type is missing.')
  if (!acceptedMediaTypes.has(mediaType))
    throw unsupported(`The media type ${shorten(mediaType, 100)} is not supported.`)
  if (bytes !== null && bytes > limits.maxUploadBytes) throw imageTooLarge(limits)
}

/**
 * Writes a file to the store while it is checked, and stops at the first fault.
 * @throws Fault `unsupported_format`, `image_too_large`, `too_many_pixels`, `truncated_upload`, `invalid_request`.
 */
export async function receiveImage(
  { body, bytes }: ImageUpload,
  write: Pick<BlobWrite, 'write'>,
  limits: ImageLimits,
): Promise<ReceivedImage> {
  const head = createImageHead()
  // Bytes that arrived before the format was detected: few, in tiny pieces.
  const undetected: Uint8Array[] = []
  let receivedBytes = 0

  for await (const chunk of body) {
    receivedBytes += chunk.length
    if (receivedBytes > limits.maxUploadBytes) throw imageTooLarge(limits)
    head.push(chunk)
    if (!head.isDetected) {
      undetected.push(chunk.slice())
      continue
    }
    requireImage(head, limits)
    if (head.format === 'svg' && receivedBytes > maxSvgBytes)
      throw imageTooLarge({ maxUploadBytes: maxSvgBytes })
    for (const one of undetected.splice(0)) await write.write(one)
    await write.write(chunk)
  }

  if (bytes !== null && receivedBytes < bytes) throw truncatedUpload()
  if (receivedBytes === 0) {
    throw new Fault('invalid_request', 'The file is empty.', { remedy: 'Send the bytes of an image.' })
  }
  head.end()
  const received = requireImage(head, limits)
  for (const one of undetected.splice(0)) await write.write(one)
  return received
}

function requireImage(
  { format, isGzipped, dimensions = { width: null, height: null } }: ImageHead,
  { maxPixels }: ImageLimits,
): ReceivedImage {
  if (format === undefined && isGzipped) throw gzipped()
  if (format === undefined) throw notAnImage()
  const { width, height } = dimensions
  if (width !== null && height !== null && width * height > maxPixels) {
    const detail = `The image has ${width} × ${height} pixels; the limit is ${maxPixels} in total.`
    throw new Fault('too_many_pixels', detail, { remedy: 'Send a smaller image.' })
  }
  return { format, width, height }
}

/** The body ended before the announced length. */
export function truncatedUpload(cause?: unknown): Fault {
  return new Fault('truncated_upload', 'The upload ended before the complete file had arrived.', {
    remedy: 'Send the file again.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The client has sent nothing for too long. */
export function pausedUpload(idleMs: number): Fault {
  return new Fault(
    'truncated_upload',
    `The request paused for more than ${idleMs / 1000} s before it was complete.`,
    {
      remedy: 'Send it again without pauses. The limit is PIXELFLOW_UPLOAD_IDLE_TIMEOUT.',
    },
  )
}

/** The received bytes differ from the announced digest. */
export function digestMismatch(): Fault {
  return new Fault('invalid_request', 'The SHA-256 of the received bytes differs from the announced one.', {
    field: '@sha256' satisfies RequestField,
    remedy: 'Send the file again, with the digest of exactly these bytes.',
  })
}

/** Accepted media types, with old names of two formats. The format itself is detected from the bytes. */
const acceptedMediaTypes: ReadonlySet<string> = new Set([
  ...formats.map((one) => one.mediaType),
  'image/jpg',
  'image/pjpeg',
  'image/x-png',
  'application/octet-stream',
])

function unsupported(detail: string): Fault {
  const names = formats.map((one) => one.mediaType).join(', ')
  return new Fault('unsupported_format', detail, {
    field: '@media_type' satisfies RequestField,
    remedy: `Send one of ${names}, or application/octet-stream to have the format detected.`,
  })
}

/** The bytes, not the media type, are the problem. */
function notAnImage(): Fault {
  const names = formats.map((one) => one.id).join(', ')
  return new Fault('unsupported_format', 'The file is not an image of a supported format.', {
    field: 'file',
    remedy: `Send an image in one of the formats ${names}.`,
  })
}

/** Compressed files are refused because their decompressed size is unlimited. */
function gzipped(): Fault {
  return new Fault(
    'unsupported_format',
    'The file is compressed with gzip (such as SVGZ), which is not supported.',
    {
      field: 'file',
      remedy: 'Decompress it, for example with gunzip, and send the decompressed file.',
    },
  )
}

export function imageTooLarge({ maxUploadBytes }: Pick<ImageLimits, 'maxUploadBytes'>): Fault {
  return new Fault(
    'image_too_large',
    `The file is too large; the limit is ${maxUploadBytes} bytes (${formatBytes(maxUploadBytes)}).`,
    {
      remedy: 'Send a smaller file.',
    },
  )
}

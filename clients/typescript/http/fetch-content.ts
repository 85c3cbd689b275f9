import type { Content, ContentRef, DownloadOptions } from '../client.ts'
import { notPixelflowError, unreachableError, type PixelflowError } from '../pixelflow-error.ts'
import type { HttpCaller } from './http-caller.ts'

/** Downloads a stored file, or a range of it, over one connection. */
export async function fetchContent(
  caller: HttpCaller,
  from: ContentRef,
  { offset = 0, length, signal }: DownloadOptions,
): Promise<Content> {
  const end = length === undefined ? '' : String(offset + length - 1)
  // Sends a range for the whole file too: Content-Range has the size even if a proxy removes Content-Length.
  const response = await caller.send(
    toContentPath(from),
    { headers: { range: `bytes=${offset}-${end}` } },
    signal,
  )
  const size = Number(response.headers.get('content-length') ?? Number.NaN)
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '')
  const isWhole = offset === 0 && length === undefined && Number.isFinite(size)
  if (range === null && !isWhole) throw rejectResponse(response, caller.address, 'Content-Range')
  const [first, last, total] = range ? range.slice(1).map(Number) : [0, size - 1, size]
  return {
    bytes: total ?? size,
    sha256: readSha256(response, caller.address),
    mediaType: response.headers.get('content-type') ?? 'application/octet-stream',
    offset: first ?? 0,
    length: (last ?? 0) - (first ?? 0) + 1,
    body: readImageBody(response, caller.address, signal),
  }
}

function toContentPath(from: ContentRef): string {
  if ('image' in from) return `/api/v1/images/${encodeURIComponent(from.image)}/content`
  return `/api/v1/tasks/${encodeURIComponent(from.task)}/outputs/${encodeURIComponent(from.output ?? 'default')}`
}

/** Reads the digest from the ETag of a response. @throws PixelflowError `not_pixelflow` if it has none. */
export function readSha256(response: Response, address: string): string {
  const sha256 = /^"([0-9a-f]{64})"$/.exec(response.headers.get('etag') ?? '')?.[1]
  if (sha256 === undefined) throw rejectResponse(response, address, 'ETag')
  return sha256
}

/** Discards the body of a response that lacks a header, and returns the error. */
function rejectResponse(response: Response, address: string, header: string): PixelflowError {
  void response.body?.cancel().catch(() => {})
  return notPixelflowError(
    address,
    `the response has no valid ${header} header`,
    'Check that no proxy between this client and the server removes or changes ETag, Range and Content-Range.',
  )
}

/** Returns the body of a response. Converts a broken connection to `PixelflowError`. */
export function readImageBody(
  response: Response,
  address: string,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const reader = (response.body ?? new Blob([]).stream()).getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (thrown) {
          controller.error(signal?.aborted ? signal.reason : unreachableError(address, thrown))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

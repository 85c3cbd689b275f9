import type { Content, DownloadOptions, ContentRef } from '../client.ts'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import type { HttpCaller } from './http-caller.ts'

/** Downloads a stored file, or a range of it, over one connection. */
export async function fetchContent(
  caller: HttpCaller,
  from: ContentRef,
  part: DownloadOptions,
): Promise<Content> {
  const { offset = 0, length, signal } = part
  const end = length === undefined ? '' : String(offset + length - 1)
  // Sends a range for the whole file too: Content-Range has the size even if a proxy removes Content-Length.
  const answer = await caller.send(
    contentPath(from),
    { headers: { range: `bytes=${offset}-${end}` } },
    signal,
  )
  const size = Number(answer.headers.get('content-length') ?? Number.NaN)
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')
  const isWhole = offset === 0 && length === undefined && Number.isFinite(size)
  if (range === null && !isWhole) throw changed(answer, caller.address)
  const [start, last, whole] = range ? range.slice(1).map(Number) : [0, size - 1, size]
  return {
    bytes: whole ?? size,
    sha256: readSha256(answer, caller.address),
    mediaType: answer.headers.get('content-type') ?? 'application/octet-stream',
    offset: start ?? 0,
    length: (last ?? 0) - (start ?? 0) + 1,
    body: readImageBody(answer, caller.address, signal),
  }
}

export function contentPath(from: ContentRef): string {
  if ('image' in from) return `/api/v1/images/${encodeURIComponent(from.image)}/content`
  return `/api/v1/tasks/${encodeURIComponent(from.task)}/outputs/${encodeURIComponent(from.output ?? 'default')}`
}

/** Reads the digest from the ETag of a response. @throws PixelflowError `not_pixelflow` if it has none. */
export function readSha256(answer: Response, address: string): string {
  const sha256 = /^"([0-9a-f]{64})"$/.exec(answer.headers.get('etag') ?? '')?.[1]
  if (sha256 === undefined) throw changed(answer, address)
  return sha256
}

function changed(answer: Response, address: string): PixelflowError {
  void answer.body?.cancel().catch(() => {})
  return new PixelflowError(
    'not_pixelflow',
    `What ${address || 'the server'} sends is not sent as PixelFlow would.`,
    {
      remedy:
        'Something between here and the server changes answers; see that it leaves ranges and ETags alone.',
    },
  )
}

/** Returns the body of a response. Converts a broken connection to `PixelflowError`. */
export function readImageBody(
  answer: Response,
  address: string,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const reader = (answer.body ?? new Blob([]).stream()).getReader()
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

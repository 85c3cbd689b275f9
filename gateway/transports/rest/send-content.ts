import { Fault } from '@pixelflow/core/fault'
import { formatOf } from '@pixelflow/core/format'
import type { Server } from 'bun'
import type { ResponseBuffer } from '../../delivery/response-buffer.ts'
import type { StoredContent } from '../../images/stored-content.ts'
import type { SendTracker } from './send-tracker.ts'
import { matchesEtag } from './matches-etag.ts'
import { problemResponse } from './problem-response.ts'
import { queryOf } from './require-known-query.ts'
import { parseRange } from './parse-range.ts'

/** The content of a URL never changes. */
const cacheControl = 'private, max-age=86400, immutable'

export interface HttpRequest {
  readonly request: Request
  readonly server: Server<unknown> | null
}

/** Sends a body with its Content-Length, which Bun omits for streamed bodies. */
export type SendBytes = (
  incoming: HttpRequest,
  bytes: number,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  init: { readonly status: number; readonly headers: Record<string, string> },
) => Promise<Response>

export function createBytesSender(buffer: ResponseBuffer, sendTracker: SendTracker): SendBytes {
  return async ({ request, server }, bytes, open, init) => {
    // Waiting for buffer space and fetching gigabytes may both exceed the idle timeout.
    server?.timeout(request, 0)
    const { body, release } = await buffer(bytes, open, request.signal).catch((thrown: unknown) => {
      throw request.signal.aborted ? clientDisconnected(thrown) : thrown
    })
    sendTracker.whenSent(request, server, bytes, release)
    return new Response(body, init)
  }
}

/** Responds with stored content: conditional requests, ranges, HEAD. */
export type SendContent = (incoming: HttpRequest, content: StoredContent) => Promise<Response>

export function createContentSender(sendBytes: SendBytes): SendContent {
  return async ({ request, server }, content) => {
    const etag = `"${content.sha256}"`
    const ifMatch = request.headers.get('if-match')
    if (ifMatch !== null && !matchesEtag(ifMatch, etag, 'strong')) throw etagMismatch(etag)
    const headers: Record<string, string> = {
      ...contentHeaders(request, content),
      'accept-ranges': 'bytes',
      'cache-control': cacheControl,
      vary: 'Authorization',
    }
    if (matchesEtag(request.headers.get('if-none-match'), etag, 'weak'))
      return new Response(null, { status: 304, headers })

    const parsed = parseRange(request.headers, content.bytes, etag)
    if (parsed === 'unsatisfiable') return rangeNotSatisfiable(request, content.bytes)
    const range = parsed === 'whole' ? undefined : parsed
    const bytes = range ? range.end - range.start + 1 : content.bytes
    const status = range ? 206 : 200
    if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${content.bytes}`
    if (request.method === 'HEAD') {
      return new Response(null, { status, headers: { ...headers, 'content-length': String(bytes) } })
    }
    // Clients request the range of all bytes to learn the size; the store reads that as the whole content.
    const storeRange = bytes === content.bytes ? undefined : range
    return sendBytes({ request, server }, bytes, () => content.open(storeRange), { status, headers })
  }
}

/** Headers of every response that carries an image. */
export function contentHeaders(
  request: Request,
  content: Omit<StoredContent, 'open'>,
): Record<string, string> {
  const isAttachment = canHoldScripts(content) || queryOf(request).get('download') === '1'
  const disposition = isAttachment ? 'attachment' : 'inline'
  return {
    etag: `"${content.sha256}"`,
    'content-type': content.mediaType,
    // Always set: otherwise Bun sends the name of the spool file.
    'content-disposition': `${disposition}; filename="${content.fileName}"`,
    // Even if a browser renders the image as a page, it cannot run or load anything.
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  }
}

/** An SVG may hold scripts, which would run with the origin of this server if a browser opened it as a page. */
function canHoldScripts({ mediaType }: Pick<StoredContent, 'mediaType'>): boolean {
  return mediaType === formatOf('svg').mediaType
}

/** The client does not receive this fault; it keeps the log from reporting a server error. */
function clientDisconnected(cause: unknown): Fault {
  return new Fault('cancelled', 'The client disconnected before the content was read from the store.', {
    cause,
  })
}

function etagMismatch(etag: string): Fault {
  return new Fault('precondition_failed', `If-Match does not list the ETag of this content, ${etag}.`, {
    field: 'If-Match',
    remedy: 'Send this ETag without W/, or leave the header out.',
  })
}

function rangeNotSatisfiable(request: Request, bytes: number): Response {
  const fault = new Fault(
    'range_not_satisfiable',
    `The range is outside the ${bytes} bytes of the content.`,
    {
      field: 'Range',
      remedy: `Request bytes between 0 and ${bytes - 1}.`,
    },
  )
  return problemResponse(request, fault, { 'content-range': `bytes */${bytes}` })
}

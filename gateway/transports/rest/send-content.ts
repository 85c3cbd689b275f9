import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import type { Server } from 'bun'
import type { ResponseBuffer } from '../../delivery/response-buffer.ts'
import type { StoredContent } from '../../images/content.ts'
import type { SendTracker } from '../shared/send-tracker.ts'
import { matchesStrongly, matchesWeakly } from './etag.ts'
import { problemResponse } from './problem-response.ts'
import { queryOf } from './validate-query.ts'
import { parseRange } from './parse-range.ts'

/** A name of content never comes to mean something else. */
const cacheControl = 'private, max-age=86400, immutable'

export interface Call {
  readonly request: Request
  readonly server: Server<unknown> | null
}

/** Sends so many bytes, and always with their length, which Bun would drop from a body that is streamed. */
export type SendBytes = (
  call: Call,
  bytes: number,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  answer: { readonly status: number; readonly headers: Record<string, string> },
) => Promise<Response>

export function createBytesSender(place: ResponseBuffer, sendTracker: SendTracker): SendBytes {
  return async ({ request, server }, bytes, open, answer) => {
    // There may be a wait for room, and then gigabytes to be fetched.
    server?.timeout(request, 0)
    const { body, release } = await place(bytes, open, request.signal).catch((thrown: unknown) => {
      throw request.signal.aborted ? gone(thrown) : thrown
    })
    sendTracker.whenSent(request, server, bytes, release)
    return new Response(body, answer)
  }
}

/** Answers a request for stored bytes: conditions, ranges, HEAD. */
export type SendContent = (call: Call, content: StoredContent) => Promise<Response>

export function createContentSender(sendBytes: SendBytes): SendContent {
  return async ({ request, server }, content) => {
    const etag = `"${content.sha256}"`
    const condition = request.headers.get('if-match')
    if (condition !== null && !matchesStrongly(condition, etag)) throw otherTag(etag)
    const headers: Record<string, string> = {
      ...contentHeaders(request, content),
      'accept-ranges': 'bytes',
      'cache-control': cacheControl,
      vary: 'Authorization',
    }
    if (matchesWeakly(request.headers.get('if-none-match'), etag))
      return new Response(null, { status: 304, headers })

    const range = parseRange(request.headers, content.bytes, etag)
    if (range === 'outside') return outside(request, content.bytes)
    const part = range === 'whole' ? undefined : range
    const bytes = part ? part.end - part.start + 1 : content.bytes
    const status = part ? 206 : 200
    if (part) headers['content-range'] = `bytes ${part.start}-${part.end}/${content.bytes}`
    if (request.method === 'HEAD') {
      return new Response(null, { status, headers: { ...headers, 'content-length': String(bytes) } })
    }
    // Clients ask for a range of everything to be told its size; it is read as everything.
    const opened = bytes === content.bytes ? undefined : part
    return sendBytes({ request, server }, bytes, () => content.open(opened), { status, headers })
  }
}

/** What goes with the bytes of a picture, wherever they come from. */
export function contentHeaders(
  request: Request,
  content: Omit<StoredContent, 'open'>,
): Record<string, string> {
  const isSaved = isProgram(content) || queryOf(request).get('download') === '1'
  const disposition = isSaved ? 'attachment' : 'inline'
  return {
    etag: `"${content.sha256}"`,
    'content-type': content.mediaType,
    // Always said, or Bun would name the file that it is sent from.
    'content-disposition': `${disposition}; filename="${content.fileName}"`,
    // Nothing in a picture may run or load anything, even if a browser were to take it for a page.
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  }
}

/** A drawing that somebody has sent may carry scripts. Opened as a page it would be one of ours, so it never is one. */
function isProgram({ mediaType }: Pick<StoredContent, 'mediaType'>): boolean {
  return mediaType === format('svg').mediaType
}

/** Nobody hears this answer; the log should not take it for a failure of ours. */
function gone(cause: unknown): Fault {
  return new Fault('cancelled', 'The client left before the content had been fetched for it.', { cause })
}

function otherTag(etag: string): Fault {
  return new Fault('precondition_failed', `If-Match names no tag of this content, which has ${etag}.`, {
    field: 'If-Match',
    remedy: 'Send this tag without W/, or leave the header out.',
  })
}

function outside(request: Request, bytes: number): Response {
  const fault = new Fault('range_not_satisfiable', `The content has ${bytes} bytes.`, {
    field: 'Range',
    remedy: `Ask for bytes between 0 and ${bytes - 1}.`,
  })
  return problemResponse(request, fault, { 'content-range': `bytes */${bytes}` })
}

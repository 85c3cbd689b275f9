import type { ImageView } from '@pixelflow/core/views'
import type { ImageInput, UploadOptions } from '../client.ts'
import { unreachableError } from '../pixelflow-error.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toUploadBody, toStream, type UploadBody } from '../upload-body.ts'
import { toIdempotencyHeader, parseBody, type HttpCaller } from './http-caller.ts'
import { parseProblem } from './parse-problem.ts'

const path = '/api/v1/images'

/** The part of XMLHttpRequest that is used. Not every supported platform has its type. */
interface Xhr extends Pick<EventTarget, 'addEventListener'> {
  readonly status: number
  readonly statusText: string
  readonly responseText: string
  readonly upload: Pick<EventTarget, 'addEventListener'>
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  getResponseHeader(name: string): string | null
  send(body: Blob): void
  abort(): void
}

/** Uploads a file as the request body. A stream is sent chunk by chunk if the platform supports it. */
export function postImage(
  caller: HttpCaller,
  source: ImageInput,
  options: UploadOptions = {},
): Promise<ImageView> {
  const upload = toUploadBody(source, options)
  return withTimeout(options, async (signal) => {
    // In browsers only XMLHttpRequest reports upload progress, and request bodies can be streamed only over HTTP/2.
    const { XMLHttpRequest: Xhr } = globalThis as { XMLHttpRequest?: new () => Xhr }
    const isRepeatable = upload.blob !== undefined && options.idempotencyKey !== undefined
    return retryCall(isRepeatable ? caller.limits : { retries: 0 }, signal, () =>
      Xhr === undefined
        ? uploadByFetch(caller, upload, options, signal)
        : uploadByXhr(Xhr, caller, upload, options, signal),
    )
  })
}

async function uploadByFetch(
  caller: HttpCaller,
  upload: UploadBody,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const { bytes, blob, mediaType } = upload
  const isStream = blob === undefined || onSent !== undefined
  const body = () => (isStream ? toStream(upload.chunks(), (sent) => onSent?.(sent, bytes)) : blob())
  const headers = {
    'content-type': mediaType,
    ...toIdempotencyHeader(idempotencyKey),
    // With Content-Length the server rejects a file that is too large before it receives the body.
    ...(isStream && bytes !== null ? { 'content-length': String(bytes) } : {}),
  }
  const response = await caller.send(path, { method: 'POST', headers, body }, signal)
  return parseBody<ImageView>(await response.text(), 'sha256', caller.address, response.status)
}

async function uploadByXhr(
  Xhr: new () => Xhr,
  caller: HttpCaller,
  upload: UploadBody,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const blob = upload.blob?.() ?? (await new Response(toStream(upload.chunks())).blob())
  signal?.throwIfAborted()
  return caller.withToken(async (token) => {
    const { promise, resolve, reject } = Promise.withResolvers<ImageView>()
    const xhr = new Xhr()
    const abort = () => xhr.abort()
    xhr.open('POST', `${caller.address}${path}`)
    for (const [name, value] of Object.entries({
      ...token,
      ...toIdempotencyHeader(idempotencyKey),
      'content-type': upload.mediaType,
    }))
      xhr.setRequestHeader(name, value)
    xhr.upload.addEventListener('progress', (event) => {
      if (!signal?.aborted) onSent?.((event as Event & { loaded: number }).loaded, blob.size)
    })
    xhr.addEventListener('load', () => {
      const { status, statusText, responseText } = xhr
      if (status !== 201)
        return reject(parseProblem(status, statusText, (name) => xhr.getResponseHeader(name), responseText))
      onSent?.(blob.size, blob.size)
      try {
        resolve(parseBody<ImageView>(responseText, 'sha256', caller.address, status))
      } catch (thrown) {
        reject(thrown)
      }
    })
    xhr.addEventListener('error', () => reject(unreachableError(caller.address)))
    xhr.addEventListener('abort', () => reject(new DOMException('The upload was aborted.', 'AbortError')))
    signal?.addEventListener('abort', abort, { once: true })
    xhr.send(blob)
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  })
}

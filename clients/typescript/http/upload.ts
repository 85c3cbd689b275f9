import type { ImageView } from '@pixelflow/core/views'
import type { Source, UploadOptions } from '../client.ts'
import { unreachableError } from '../pixelflow-error.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toUploadBody, toStream, type UploadBody } from '../upload-body.ts'
import { keyHeader, parseBody, type HttpCaller } from './http-caller.ts'
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
export function upload(caller: HttpCaller, source: Source, options: UploadOptions = {}): Promise<ImageView> {
  const cargo = toUploadBody(source, options)
  return withTimeout(options, async (signal) => {
    // In browsers only XMLHttpRequest reports upload progress, and request bodies can be streamed only over HTTP/2.
    const { XMLHttpRequest: Xhr } = globalThis as { XMLHttpRequest?: new () => Xhr }
    const isRepeatable = cargo.blob !== undefined && options.idempotencyKey !== undefined
    return retryCall(isRepeatable ? caller.limits : { retries: 0 }, signal, () =>
      Xhr === undefined
        ? byFetch(caller, cargo, options, signal)
        : byXhr(Xhr, caller, cargo, options, signal),
    )
  })
}

async function byFetch(
  caller: HttpCaller,
  cargo: UploadBody,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const { bytes, blob, mediaType } = cargo
  const isStream = blob === undefined || onSent !== undefined
  const body = () => (isStream ? toStream(cargo.chunks(), (sent) => onSent?.(sent, bytes)) : blob())
  const headers = {
    'content-type': mediaType,
    ...keyHeader(idempotencyKey),
    // With Content-Length the server rejects a file that is too large before it receives the body.
    ...(isStream && bytes !== null ? { 'content-length': String(bytes) } : {}),
  }
  const answer = await caller.send(path, { method: 'POST', headers, body }, signal)
  return parseBody<ImageView>(await answer.text(), 'sha256', caller.address, answer.status)
}

async function byXhr(
  Xhr: new () => Xhr,
  caller: HttpCaller,
  cargo: UploadBody,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const blob = cargo.blob?.() ?? (await new Response(toStream(cargo.chunks())).blob())
  signal?.throwIfAborted()
  return caller.withToken(async (token) => {
    const { promise, resolve, reject } = Promise.withResolvers<ImageView>()
    const call = new Xhr()
    const abort = () => call.abort()
    call.open('POST', `${caller.address}${path}`)
    for (const [name, value] of Object.entries({
      ...token,
      ...keyHeader(idempotencyKey),
      'content-type': cargo.mediaType,
    }))
      call.setRequestHeader(name, value)
    call.upload.addEventListener('progress', (event) => {
      if (!signal?.aborted) onSent?.((event as Event & { loaded: number }).loaded, blob.size)
    })
    call.addEventListener('load', () => {
      const { status, statusText, responseText } = call
      if (status !== 201)
        return reject(parseProblem(status, statusText, (name) => call.getResponseHeader(name), responseText))
      onSent?.(blob.size, blob.size)
      try {
        resolve(parseBody<ImageView>(responseText, 'sha256', caller.address, status))
      } catch (thrown) {
        reject(thrown)
      }
    })
    call.addEventListener('error', () => reject(unreachableError(caller.address)))
    call.addEventListener('abort', () => reject(new DOMException('The upload was stopped.', 'AbortError')))
    signal?.addEventListener('abort', abort, { once: true })
    call.send(blob)
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  })
}

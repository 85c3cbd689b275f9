import type { ImageView } from '@pixelflow/core/api'
import type { Source, UploadOptions } from '../client.ts'
import { unreachable } from '../error.ts'
import { again, within } from '../limits.ts'
import { cargoOf, streamOf, type Cargo } from '../source.ts'
import { keyHeader, shaped, type Caller } from './call.ts'
import { problemOf } from './problem.ts'

const path = '/api/v1/images'

/** As much of XMLHttpRequest as is used: not every platform that this compiles for has one. */
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

/** Sends a picture as a raw body, never more of it in memory than a few chunks where the platform can do so. */
export function upload(caller: Caller, source: Source, options: UploadOptions = {}): Promise<ImageView> {
  const cargo = cargoOf(source, options)
  return within(options, async (signal) => {
    // Browsers tell of an upload's progress to XMLHttpRequest only, and stream bodies over HTTP/2 only.
    const { XMLHttpRequest: Xhr } = globalThis as { XMLHttpRequest?: new () => Xhr }
    const isRepeatable = cargo.blob !== undefined && options.idempotencyKey !== undefined
    return again(isRepeatable ? caller.limits : { retries: 0 }, signal, () =>
      Xhr === undefined
        ? byFetch(caller, cargo, options, signal)
        : byXhr(Xhr, caller, cargo, options, signal),
    )
  })
}

async function byFetch(
  caller: Caller,
  cargo: Cargo,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const { bytes, blob, mediaType } = cargo
  const isStream = blob === undefined || onSent !== undefined
  const body = () => (isStream ? streamOf(cargo.chunks(), (sent) => onSent?.(sent, bytes)) : blob())
  const headers = {
    'content-type': mediaType,
    ...keyHeader(idempotencyKey),
    // With the length known, too large a picture is refused before its bytes have travelled.
    ...(isStream && bytes !== null ? { 'content-length': String(bytes) } : {}),
  }
  const answer = await caller.send(path, { method: 'POST', headers, body }, signal)
  return shaped<ImageView>(await answer.text(), 'sha256', caller.address, answer.status)
}

async function byXhr(
  Xhr: new () => Xhr,
  caller: Caller,
  cargo: Cargo,
  { onSent, idempotencyKey }: UploadOptions,
  signal: AbortSignal | undefined,
): Promise<ImageView> {
  const blob = cargo.blob?.() ?? (await new Response(streamOf(cargo.chunks())).blob())
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
        return reject(problemOf(status, statusText, (name) => call.getResponseHeader(name), responseText))
      onSent?.(blob.size, blob.size)
      try {
        resolve(shaped<ImageView>(responseText, 'sha256', caller.address, status))
      } catch (thrown) {
        reject(thrown)
      }
    })
    call.addEventListener('error', () => reject(unreachable(caller.address)))
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

import type { ImageView } from '@pixelflow/core/api'
import { authorization, withToken, type Api } from './client.ts'
import { failedAnswer, unreachable } from './notice.ts'

export interface UploadOptions {
  readonly mediaType: string
  readonly signal: AbortSignal
  /** Bytes that have left this machine so far. */
  readonly onProgress: (sentBytes: number) => void
}

/**
 * Sends a picture as a raw body. By XMLHttpRequest, since fetch tells nothing of an upload's progress.
 * @throws CallFailed, or `AbortError` when `signal` aborts.
 */
export function uploadImage(api: Api, file: Blob, options: UploadOptions): Promise<ImageView> {
  return withToken(api.credentials, (token) => send(file, token, options))
}

function send(file: Blob, token: string | null, options: UploadOptions): Promise<ImageView> {
  const { mediaType, signal, onProgress } = options
  const { promise, resolve, reject } = Promise.withResolvers<ImageView>()
  const call = new XMLHttpRequest()
  const abort = () => call.abort()

  call.open('POST', '/api/v1/images')
  call.setRequestHeader('content-type', mediaType)
  for (const [name, value] of Object.entries(authorization(token))) call.setRequestHeader(name, value)
  call.upload.addEventListener('progress', (event) => {
    if (!signal.aborted) onProgress(event.loaded)
  })
  call.addEventListener('load', () => {
    if (call.status !== 201) return reject(failedAnswer(call.status, call.statusText, call.responseText))
    onProgress(file.size)
    resolve(JSON.parse(call.responseText) as ImageView)
  })
  call.addEventListener('error', () => reject(unreachable()))
  call.addEventListener('abort', () => reject(new DOMException('The upload was stopped.', 'AbortError')))
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) return Promise.reject(new DOMException('The upload was stopped.', 'AbortError'))
  call.send(file)
  return promise.finally(() => signal.removeEventListener('abort', abort))
}

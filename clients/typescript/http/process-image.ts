import type { ImageInput, ProcessedImage, ProcessImageOptions, RecipeInput } from '../client.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toStream, toUploadBody, type UploadBody } from '../upload-body.ts'
import { readImageBody, readSha256 } from './fetch-content.ts'
import type { HttpCaller } from './http-caller.ts'

/** Longest recipe in the query string, in characters; a longer one is sent in a form. */
const maxQueryChars = 4000

/** Processes an image in one request. */
export function processImage(
  caller: HttpCaller,
  source: ImageInput,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<ProcessedImage> {
  const upload = toUploadBody(source, options)
  const text = typeof recipe === 'string' ? recipe : JSON.stringify(recipe)
  const isInQuery = text.length <= maxQueryChars
  const { output, timeoutMs = caller.limits.timeoutMs ?? 120_000 } = options
  // The call is safe to repeat unless the source is a stream, which can be read only once.
  const limits = upload.blob ? caller.limits : { ...caller.limits, retries: 0 }
  return withTimeout({ signal: options.signal, timeoutMs }, (signal) =>
    retryCall(limits, signal, async () => {
      const query = new URLSearchParams({
        ...(isInQuery ? { recipe: text } : {}),
        ...(output === undefined ? {} : { output }),
      })
      const path = `/api/v1/process?${query.toString()}`
      const request = isInQuery ? await createFileRequest(upload) : await createFormRequest(upload, text)
      const response = await caller.send(path, { method: 'POST', ...request }, signal)
      const task = /^\/api\/v1\/tasks\/([^/]+)\//.exec(response.headers.get('content-location') ?? '')?.[1]
      return {
        bytes: Number(response.headers.get('content-length')),
        sha256: readSha256(response, caller.address),
        mediaType: response.headers.get('content-type') ?? 'application/octet-stream',
        body: readImageBody(response, caller.address, options.signal),
        ...(task === undefined ? {} : { task }),
      }
    }),
  )
}

/** A request whose body is the file. */
async function createFileRequest(upload: UploadBody) {
  const blob = await toBlob(upload)
  return {
    headers: {
      'content-type': upload.mediaType,
      ...(blob === undefined && upload.bytes !== null ? { 'content-length': String(upload.bytes) } : {}),
    },
    body: () => blob ?? toStream(upload.chunks()),
  }
}

/** A multipart request with the recipe and the file. */
async function createFormRequest(upload: UploadBody, recipe: string) {
  const file = (await toBlob(upload)) ?? (await new Response(toStream(upload.chunks())).blob())
  const form = new FormData()
  form.append('recipe', recipe)
  form.append('file', new Blob([file], { type: upload.mediaType }), 'image')
  return { body: () => form }
}

/**
 * Returns the file as a Blob if it is in memory, or if the platform cannot stream requests (browsers over HTTP/1.1).
 * Otherwise returns undefined.
 */
async function toBlob(upload: UploadBody): Promise<Blob | undefined> {
  if (upload.blob !== undefined || !('XMLHttpRequest' in globalThis)) return upload.blob?.()
  return new Response(toStream(upload.chunks())).blob()
}

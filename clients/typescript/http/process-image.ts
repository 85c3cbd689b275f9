import type { ProcessedImage, ProcessImageOptions, RecipeInput, Source } from '../client.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toUploadBody, toStream, type UploadBody } from '../upload-body.ts'
import type { HttpCaller } from './http-caller.ts'
import { readImageBody, readSha256 } from './fetch-content.ts'

/** Longest recipe in the query string, in characters; a longer one is sent in a form. */
const longestQuery = 4000

/** Processes an image in one request. */
export function processImage(
  caller: HttpCaller,
  source: Source,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<ProcessedImage> {
  const cargo = toUploadBody(source, options)
  const text = typeof recipe === 'string' ? recipe : JSON.stringify(recipe)
  const { output, timeoutMs = caller.limits.timeoutMs ?? 120_000 } = options
  // The call is safe to repeat unless the source is a stream, which can be read only once.
  const limits = cargo.blob ? caller.limits : { ...caller.limits, retries: 0 }
  return withTimeout({ signal: options.signal, timeoutMs }, (signal) =>
    retryCall(limits, signal, async () => {
      const query = new URLSearchParams({
        ...(text.length <= longestQuery ? { recipe: text } : {}),
        ...(output === undefined ? {} : { output }),
      })
      const path = `/api/v1/process?${query.toString()}`
      const init = text.length <= longestQuery ? await rawOf(cargo) : await formOf(cargo, text)
      const answer = await caller.send(path, { method: 'POST', ...init }, signal)
      const task = /^\/api\/v1\/tasks\/([^/]+)\//.exec(answer.headers.get('content-location') ?? '')?.[1]
      return {
        bytes: Number(answer.headers.get('content-length')),
        sha256: readSha256(answer, caller.address),
        mediaType: answer.headers.get('content-type') ?? 'application/octet-stream',
        body: readImageBody(answer, caller.address, options.signal),
        ...(task === undefined ? {} : { task }),
      }
    }),
  )
}

async function rawOf(cargo: UploadBody) {
  const blob = await heldOf(cargo)
  return {
    headers: {
      'content-type': cargo.mediaType,
      ...(blob === undefined && cargo.bytes !== null ? { 'content-length': String(cargo.bytes) } : {}),
    },
    body: () => blob ?? toStream(cargo.chunks()),
  }
}

async function formOf(cargo: UploadBody, recipe: string) {
  const file = (await heldOf(cargo)) ?? (await new Response(toStream(cargo.chunks())).blob())
  const form = new FormData()
  form.append('recipe', recipe)
  form.append('file', new Blob([file], { type: cargo.mediaType }), 'image')
  return { body: () => form }
}

/** Returns the whole file if it is in memory or the platform cannot stream requests (browsers over HTTP/1.1). */
async function heldOf(cargo: UploadBody): Promise<Blob | undefined> {
  if (cargo.blob !== undefined || !('XMLHttpRequest' in globalThis)) return cargo.blob?.()
  return new Response(toStream(cargo.chunks())).blob()
}

import type { Picture, ProcessImageOptions, RecipeInput, Source } from '../client.ts'
import { again, within } from '../limits.ts'
import { cargoOf, streamOf, type Cargo } from '../source.ts'
import type { Caller } from './call.ts'
import { pictureBody, sha256Of } from './content.ts'

/** Longest recipe in a query; a longer one goes in a form. */
const longestQuery = 4000

/** Image in, image out, in one request. */
export function processImage(
  caller: Caller,
  source: Source,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<Picture> {
  const cargo = cargoOf(source, options)
  const text = typeof recipe === 'string' ? recipe : JSON.stringify(recipe)
  const { output, timeoutMs = caller.limits.timeoutMs ?? 120_000 } = options
  // A stream can be read once; nothing else keeps this from being made again.
  const limits = cargo.blob ? caller.limits : { ...caller.limits, retries: 0 }
  return within({ signal: options.signal, timeoutMs }, (signal) =>
    again(limits, signal, async () => {
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
        sha256: sha256Of(answer, caller.address),
        mediaType: answer.headers.get('content-type') ?? 'application/octet-stream',
        body: pictureBody(answer, caller.address, options.signal),
        ...(task === undefined ? {} : { task }),
      }
    }),
  )
}

async function rawOf(cargo: Cargo) {
  const blob = await heldOf(cargo)
  return {
    headers: {
      'content-type': cargo.mediaType,
      ...(blob === undefined && cargo.bytes !== null ? { 'content-length': String(cargo.bytes) } : {}),
    },
    body: () => blob ?? streamOf(cargo.chunks()),
  }
}

async function formOf(cargo: Cargo, recipe: string) {
  const file = (await heldOf(cargo)) ?? (await new Response(streamOf(cargo.chunks())).blob())
  const form = new FormData()
  form.append('recipe', recipe)
  form.append('file', new Blob([file], { type: cargo.mediaType }), 'image')
  return { body: () => form }
}

/** All of it, where it is held anyway or the platform can send no streams (browsers, over HTTP/1.1). */
async function heldOf(cargo: Cargo): Promise<Blob | undefined> {
  if (cargo.blob !== undefined || !('XMLHttpRequest' in globalThis)) return cargo.blob?.()
  return new Response(streamOf(cargo.chunks())).blob()
}

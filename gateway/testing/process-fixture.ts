import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway } from './test-gateway.ts'
import { startStubActor, type ImageHandler, type ReceivedImage } from './stub-actor.ts'

/** A gateway for synchronous calls, with stub actors. */
export interface ProcessFixture extends AsyncDisposable {
  readonly gateway: TestGateway
  readonly photo: Uint8Array<ArrayBuffer>
  /** Starts a stub actor. */
  actor(handleImage: ImageHandler, received?: ReceivedImage[]): ReturnType<typeof startStubActor>
  post(query: string, body: Uint8Array<ArrayBuffer> | FormData, init?: RequestInit): Promise<Response>
  /** A form with the image, and the recipe before or after it. */
  form(recipe: string, where: 'before' | 'after', file?: Uint8Array<ArrayBuffer>): FormData
  /** A JPEG padded to this size: decoders ignore bytes after the image. */
  padded(bytes: number): Uint8Array<ArrayBuffer>
}

/** Limits that a test reaches with small images. */
const smallLimits = {
  PIXELFLOW_INLINE_MEMORY: '3MiB',
  PIXELFLOW_MAX_UPLOAD_BYTES: '8MiB',
  PIXELFLOW_MAX_PIXELS: '1000000',
  PIXELFLOW_PROCESS_TIMEOUT: '3500ms',
}

/** Images above 1 MiB are stored and processed as tasks. */
export async function openProcessFixture(env: Record<string, string> = smallLimits): Promise<ProcessFixture> {
  const gateway = await openTestGateway({ env: { PIXELFLOW_INLINE_MAX_BYTES: '1MiB', ...env } })
  const photo = new Uint8Array(await sampleImage({ width: 320, height: 200 }))
  return {
    gateway,
    photo,
    actor: (handleImage, received) => startStubActor(gateway.adapters, handleImage, received),
    post: (query, body, init = {}) =>
      gateway.call(`/api/v1/process${query}`, {
        method: 'POST',
        body,
        ...init,
        headers: { ...(body instanceof FormData ? {} : { 'content-type': 'image/jpeg' }), ...init.headers },
      }),
    form(recipe, where, file = photo) {
      const form = new FormData()
      if (where === 'before') form.set('recipe', recipe)
      form.set('file', new Blob([file], { type: 'image/jpeg' }), 'a.jpg')
      if (where === 'after') form.set('recipe', recipe)
      return form
    },
    padded(bytes) {
      const file = new Uint8Array(bytes)
      file.set(photo)
      return file
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

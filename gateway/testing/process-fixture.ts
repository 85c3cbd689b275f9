import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway } from './test-gateway.ts'
import { startStubActor, type ImageHandler, type ReceivedImage } from './stub-actor.ts'

/** A gateway with little room for pictures that are to be answered at once. Only tests use this. */
export interface ProcessFixture extends AsyncDisposable {
  readonly gateway: TestGateway
  readonly photo: Uint8Array<ArrayBuffer>
  /** Plays an actor that takes such pictures. */
  actor(play: ImageHandler, seen?: ReceivedImage[]): ReturnType<typeof startStubActor>
  post(query: string, body: Uint8Array<ArrayBuffer> | FormData, init?: RequestInit): Promise<Response>
  /** The picture as a form, its recipe before or behind it. */
  form(recipe: string, where: 'before' | 'behind', file?: Uint8Array<ArrayBuffer>): FormData
  /** A JPEG of so many bytes: behind its picture a file may hold anything. */
  padded(bytes: number): Uint8Array<ArrayBuffer>
}

export async function openProcessFixture(): Promise<ProcessFixture> {
  const gateway = await openTestGateway({
    env: {
      PIXELFLOW_INLINE_MAX_BYTES: '1MiB',
      PIXELFLOW_INLINE_MEMORY: '3MiB',
      PIXELFLOW_MAX_UPLOAD_BYTES: '8MiB',
      PIXELFLOW_MAX_PIXELS: '1000000',
      PIXELFLOW_PROCESS_TIMEOUT: '3500ms',
    },
  })
  const photo = new Uint8Array(await sampleImage({ width: 320, height: 200 }))
  return {
    gateway,
    photo,
    actor: (play, seen) => startStubActor(gateway.adapters, play, seen),
    post: (query, body, init = {}) =>
      gateway.call(`/api/v1/process${query}`, {
        method: 'POST',
        body,
        ...init,
        headers: { ...(body instanceof FormData ? {} : { 'content-type': 'image/jpeg' }), ...init.headers },
      }),
    form(recipe, where, file = photo) {
      const made = new FormData()
      if (where === 'before') made.set('recipe', recipe)
      made.set('file', new Blob([file], { type: 'image/jpeg' }), 'a.jpg')
      if (where === 'behind') made.set('recipe', recipe)
      return made
    },
    padded(bytes) {
      const made = new Uint8Array(bytes)
      made.set(photo)
      return made
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

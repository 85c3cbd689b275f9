import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import type { SelectedImage, ImageSelection } from './image-selection.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** Uploads to a server whose responses the test controls. */

let received: { call: string; aborted: boolean; respond: (response: Response) => void }[]
let server: ReturnType<typeof Bun.serve>
let current: ReturnType<typeof signal<SelectedImage | null>>
let uploads: Uploads

const image = (url: string, imageId: string | null = null) =>
  ({ url, imageId, file: new Blob(['12345']), format: 'png' }) as unknown as SelectedImage
const created = (id: string) => Response.json({ id, sha256: '' }, { status: 201 })

beforeEach(() => {
  received = []
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { promise, resolve } = Promise.withResolvers<Response>()
      const call = `${request.method} ${new URL(request.url).pathname}`
      const one = { call, aborted: false, respond: resolve }
      request.signal.addEventListener('abort', () => (one.aborted = true))
      received.push(one)
      return promise
    },
  })
  current = signal<SelectedImage | null>(image('one'))
  const selection = {
    current,
    setStored: ({ id }: { id: string }) =>
      (current.value = { ...image(current.value?.url ?? ''), imageId: id }),
  } as unknown as ImageSelection
  uploads = createUploads(openHttp({ url: server.url.href }), selection)
})
afterEach(() => server.stop(true))

const waitForRequests = (count: number) =>
  waitFor(
    'requests received',
    () => received.length,
    (length) => length === count,
  )

const neverAborted = new AbortController().signal

describe('an upload', () => {
  test('is shared by all callers, and reports its progress', async () => {
    const [one, other] = [uploads.send(neverAborted), uploads.send(neverAborted)]
    await waitForRequests(1)
    expect(uploads.current.value).toMatchObject({ totalBytes: 5, durationMs: null })
    received[0]?.respond(created('a'))
    expect(await Promise.all([one, other])).toEqual(['a', 'a'])
    expect(uploads.current.value).toMatchObject({ sentBytes: 5, durationMs: expect.any(Number) })
    expect(await uploads.send(neverAborted)).toBe('a')
    expect(received).toHaveLength(1)
  })

  test('continues when one caller aborts, and is aborted with the last', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const sent = [uploads.send(one.signal), uploads.send(other.signal)]
    const ends = Promise.allSettled(sent)
    await waitForRequests(1)
    one.abort()
    await stays('upload continues', () => received[0]?.aborted === false, 20)
    other.abort()
    await waitFor('upload aborted', () => received[0]?.aborted)
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(uploads.current.value).toBeNull()
    const again = uploads.send(neverAborted)
    await waitForRequests(2)
    received[1]?.respond(created('b'))
    expect(await again).toBe('b')
  })

  test('sends the current image, also while an earlier one is being uploaded', async () => {
    const left = new AbortController()
    const old = uploads.send(left.signal).catch((thrown: unknown) => thrown)
    await waitForRequests(1)
    current.value = image('two')
    const next = uploads.send(neverAborted)
    left.abort()
    await old
    await waitForRequests(2)
    received[1]?.respond(created('c'))
    expect(await next).toBe('c')
    expect(current.value).toMatchObject({ url: 'two', imageId: 'c' })
  })

  test('without a task is deleted; the image of a task stays', async () => {
    const sent = uploads.send(neverAborted)
    await waitForRequests(1)
    received[0]?.respond(created('e'))
    await sent
    const deleted = uploads.deleteUnused()
    await waitForRequests(2)
    expect(received[1]?.call).toBe('DELETE /api/v1/images/e')
    received[1]?.respond(new Response(null, { status: 204 }))
    await deleted
    await uploads.deleteUnused()

    current.value = image('two')
    const sentAgain = uploads.send(neverAborted)
    await waitForRequests(3)
    received[2]?.respond(created('f'))
    await sentAgain
    uploads.markUsed()
    await uploads.deleteUnused()
    expect(received).toHaveLength(3)
  })

  test('can be retried after it was refused', async () => {
    const refused = uploads.send(neverAborted).catch((thrown: unknown) => thrown)
    await waitForRequests(1)
    received[0]?.respond(Response.json({ code: 'image_too_large', detail: 'Too large.' }, { status: 413 }))
    expect(await refused).toMatchObject({ code: 'image_too_large' })
    const again = uploads.send(neverAborted)
    await waitForRequests(2)
    received[1]?.respond(created('d'))
    expect(await again).toBe('d')
  })
})

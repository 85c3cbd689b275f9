import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import type { Source, Sources } from './source.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** Uploads to a server whose responses the test controls. */

let received: { call: string; aborted: boolean; answer: (response: Response) => void }[]
let server: ReturnType<typeof Bun.serve>
let current: ReturnType<typeof signal<Source | null>>
let uploads: Uploads

const picture = (url: string, imageId: string | null = null) =>
  ({ url, imageId, file: new Blob(['12345']), format: 'png' }) as unknown as Source
const stored = (id: string) => Response.json({ id, sha256: '' }, { status: 201 })

beforeEach(() => {
  received = []
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { promise, resolve } = Promise.withResolvers<Response>()
      const call = `${request.method} ${new URL(request.url).pathname}`
      const one = { call, aborted: false, answer: resolve }
      request.signal.addEventListener('abort', () => (one.aborted = true))
      received.push(one)
      return promise
    },
  })
  current = signal<Source | null>(picture('one'))
  const sources = {
    current,
    stored: ({ id }: { id: string }) =>
      (current.value = { ...picture(current.value?.url ?? ''), imageId: id }),
  } as unknown as Sources
  uploads = createUploads(openHttp({ url: server.url.href }), sources)
})
afterEach(() => server.stop(true))

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; !holds(); await Bun.sleep(5))
    if (Date.now() > deadline) throw new Error(`never: ${String(holds)}`)
}

const forever = new AbortController().signal

describe('an upload', () => {
  test('is shared by all callers, and reports its progress', async () => {
    const [one, other] = [uploads.send(forever), uploads.send(forever)]
    await until(() => received.length === 1)
    expect(uploads.current.value).toMatchObject({ totalBytes: 5, tookMs: null })
    received[0]?.answer(stored('a'))
    expect(await Promise.all([one, other])).toEqual(['a', 'a'])
    expect(uploads.current.value).toMatchObject({ sentBytes: 5, tookMs: expect.any(Number) })
    expect(await uploads.send(forever)).toBe('a')
    expect(received).toHaveLength(1)
  })

  test('continues when one caller aborts, and is aborted with the last', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const sent = [uploads.send(one.signal), uploads.send(other.signal)]
    const ends = Promise.allSettled(sent)
    await until(() => received.length === 1)
    one.abort()
    await Bun.sleep(20)
    expect(received[0]?.aborted).toBe(false)
    other.abort()
    await until(() => received[0]?.aborted === true)
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(uploads.current.value).toBeNull()
    const again = uploads.send(forever)
    await until(() => received.length === 2)
    received[1]?.answer(stored('b'))
    expect(await again).toBe('b')
  })

  test('sends the current image, also while an earlier one is being uploaded', async () => {
    const left = new AbortController()
    const old = uploads.send(left.signal).catch((thrown: unknown) => thrown)
    await until(() => received.length === 1)
    current.value = picture('two')
    const next = uploads.send(forever)
    left.abort()
    await old
    await until(() => received.length === 2)
    received[1]?.answer(stored('c'))
    expect(await next).toBe('c')
    expect(current.value).toMatchObject({ url: 'two', imageId: 'c' })
  })

  test('without a task is deleted; the image of a task stays', async () => {
    const sent = uploads.send(forever)
    await until(() => received.length === 1)
    received[0]?.answer(stored('e'))
    await sent
    const gone = uploads.discard()
    await until(() => received.length === 2)
    expect(received[1]?.call).toBe('DELETE /api/v1/images/e')
    received[1]?.answer(new Response(null, { status: 204 }))
    await gone
    await uploads.discard()

    current.value = picture('two')
    const used = uploads.send(forever)
    await until(() => received.length === 3)
    received[2]?.answer(stored('f'))
    await used
    uploads.keep()
    await uploads.discard()
    expect(received).toHaveLength(3)
  })

  test('can be retried after it was refused', async () => {
    const refused = uploads.send(forever).catch((thrown: unknown) => thrown)
    await until(() => received.length === 1)
    received[0]?.answer(Response.json({ code: 'image_too_large', detail: 'Too large.' }, { status: 413 }))
    expect(await refused).toMatchObject({ code: 'image_too_large' })
    const again = uploads.send(forever)
    await until(() => received.length === 2)
    received[1]?.answer(stored('d'))
    expect(await again).toBe('d')
  })
})

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway, type UploadBody } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  gateway = await openTestGateway({
    env: { PIXELFLOW_MAX_UPLOAD_BYTES: '4MiB', PIXELFLOW_MAX_PIXELS: '5000000' },
  })
  photo = new Uint8Array(await sampleImage({ width: 1200, height: 900 }))
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

/** Runs the function and checks that it leaves nothing in the store. */
async function leavingNothing(act: () => Promise<void>): Promise<void> {
  const before = await gateway.messages()
  await act()
  await waitFor('stored messages as before', gateway.messages, (now) => Bun.deepEquals(now, before))
}

const formOf = (parts: Record<string, Blob | string>) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) form.append(name, value)
  return form
}
const post = (body: UploadBody) => gateway.call('/api/v1/images', { method: 'POST', body })

describe('an image that is uploaded', () => {
  test('as the body itself is described by its bytes', async () => {
    const response = await gateway.upload(photo)
    expect(response.status).toBe(201)
    const view = (await response.json()) as Record<string, unknown>
    expect(view).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      sha256: new Bun.CryptoHasher('sha256').update(photo).digest('hex'),
      bytes: photo.length,
      format: 'jpeg',
      width: 1200,
      height: 900,
      createdAt: expect.any(String),
    })
    expect(response.headers.get('location')).toBe(`/api/v1/images/${view['id']}`)
    expect(await (await gateway.call(`/api/v1/images/${view['id']}`)).json()).toEqual(view)
  })

  test('in a form is described by its bytes', async () => {
    const response = await post(formOf({ file: new Blob([photo], { type: 'image/jpeg' }) }))
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({ bytes: photo.length, format: 'jpeg', width: 1200 })
  })

  test.each(['application/octet-stream', 'image/png', 'image/jpg', 'IMAGE/JPEG; q=1'])(
    'as %s is detected by its bytes',
    async (type) => {
      expect(await (await gateway.upload(photo, type)).json()).toMatchObject({ format: 'jpeg' })
    },
  )

  test('twice is two images that share their bytes', async () => {
    const bytes = new Uint8Array(await sampleImage({ width: 300, height: 300, seed: 77 }))
    const first = await gateway.image(bytes)
    const { chunks, records } = await gateway.messages()
    const second = await gateway.image(bytes)
    expect(second.sha256).toBe(first.sha256)
    expect(second.id).not.toBe(first.id)
    expect(await gateway.messages()).toMatchObject({ chunks, records: records + 1 })
  })

  test('in small pieces without Content-Length is complete', async () => {
    const pieces = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (let at = 0; at < 200; at += 7) {
          controller.enqueue(photo.slice(at, Math.min(200, at + 7)))
          // Each piece arrives alone.
          await Bun.sleep(1)
        }
        controller.enqueue(photo.slice(200))
        controller.close()
      },
    })
    expect(await (await gateway.upload(pieces)).json()).toMatchObject({ bytes: photo.length, width: 1200 })
  })

  test('can be deleted, once', async () => {
    const { id } = await gateway.image(photo)
    expect((await gateway.call(`/api/v1/images/${id}`, { method: 'DELETE' })).status).toBe(204)
    for (const [path, init] of [
      [`/api/v1/images/${id}`, {}],
      [`/api/v1/images/${id}/content`, {}],
      [`/api/v1/images/${id}`, { method: 'DELETE' }],
    ] as const) {
      expect(await gateway.refusal(gateway.call(path, init))).toMatchObject({
        status: 404,
        code: 'image_not_found',
      })
    }
  })
})

describe('an upload is refused and nothing stays in the store when', () => {
  const png = async (width: number, height: number) => {
    const bytes = new Uint8Array(await sampleImage({ format: 'png', width: 8, height: 8 }))
    new DataView(bytes.buffer).setUint32(16, width)
    new DataView(bytes.buffer).setUint32(20, height)
    return bytes
  }
  const large = () => new Uint8Array(6 * 2 ** 20).fill(7).map((byte, at) => photo[at] ?? byte)

  test.each([
    [
      'the bytes are not an image',
      async () => gateway.upload('#!/bin/sh\necho hello, this is not an image at all, sorry\n', 'image/png'),
      415,
      'unsupported_format',
    ],
    [
      'there are too few bytes for an image',
      async () => gateway.upload('GIF', 'image/gif'),
      415,
      'unsupported_format',
    ],
    [
      'the bytes are compressed',
      async () => gateway.upload(Bun.gzipSync('<svg/>'.padEnd(200)), 'image/svg+xml'),
      415,
      'unsupported_format',
    ],
    [
      'an SVG is too long',
      async () => gateway.upload(`<svg><!--${' '.repeat(9 * 2 ** 20)}--></svg>`, 'image/svg+xml'),
      413,
      'image_too_large',
    ],
    [
      'an SVG has too many pixels',
      async () => gateway.upload('<svg width="1e9" height="1e300"/>', 'image/svg+xml'),
      422,
      'too_many_pixels',
    ],
    [
      'the media type is not of an image',
      async () => gateway.upload(photo, 'text/html'),
      415,
      'unsupported_format',
    ],
    [
      'the media type is missing',
      async () => gateway.call('/api/v1/images', { method: 'POST', body: photo }),
      415,
      'unsupported_format',
    ],
    ['the body is empty', async () => gateway.upload('', 'image/png'), 400, 'invalid_request'],
    ['it promises too much', async () => gateway.upload(large()), 413, 'image_too_large'],
    [
      'it has no Content-Length and is too long',
      async () => gateway.upload(new Blob([large()]).stream()),
      413,
      'image_too_large',
    ],
    [
      'it has too many pixels',
      async () => gateway.upload(await png(65_000, 65_000), 'image/png'),
      422,
      'too_many_pixels',
    ],
    ['a form has no file', async () => post(formOf({ note: 'x' })), 400, 'invalid_request'],
    [
      'a form has an empty file',
      async () => post(formOf({ file: new Blob([], { type: 'image/png' }) })),
      400,
      'invalid_request',
    ],
    [
      'the file of a form is not an image',
      async () => post(formOf({ file: new Blob(['x'.repeat(500)], { type: 'image/png' }) })),
      415,
      'unsupported_format',
    ],
    [
      'the file of a form is too large',
      async () => post(formOf({ file: new Blob([large()], { type: 'image/jpeg' }) })),
      413,
      'image_too_large',
    ],
    [
      'a form has an unknown part after the file',
      async () => post(formOf({ file: new Blob([photo], { type: 'image/jpeg' }), more: 'x' })),
      400,
      'invalid_request',
    ],
    [
      'a form has no boundary',
      async () => gateway.upload(photo, 'multipart/form-data'),
      400,
      'invalid_request',
    ],
  ])('%s', async (_, send, status, code) => {
    await leavingNothing(async () => {
      const problem = await gateway.refusal(send())
      expect(problem as object).toMatchObject({ status, code })
      expect(problem.detail.length).toBeGreaterThan(10)
    })
  })

  test('a second file comes in the form', async () => {
    await leavingNothing(async () => {
      const form = formOf({ file: new Blob([photo], { type: 'image/jpeg' }) })
      form.append('file', new Blob([photo], { type: 'image/jpeg' }))
      expect(await gateway.refusal(post(form))).toMatchObject({ status: 400, field: 'file' })
    })
  })

  test('its Content-Length is too large, before the body is read', async () => {
    using client = await connectRawClient(gateway.url)
    await client.sendHead('POST', '/api/v1/images', {
      'Content-Type': 'image/jpeg',
      'Content-Length': 3_000_000_000,
    })
    const { status, headers } = await client.response(1000)
    expect([status, headers.get('content-type')]).toEqual([413, 'application/problem+json'])
  })

  const beginningOfForm =
    '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
  test.each([
    ['the client goes away in the middle', 'image/jpeg', ''],
    ['the client goes away in the middle of a form', 'multipart/form-data; boundary=xyz', beginningOfForm],
  ])('%s', async (_, type, beginning) => {
    // Several chunks of the store, written before the client disconnects.
    const long = new Uint8Array(3 * 2 ** 20)
    long.set(photo)
    await leavingNothing(async () => {
      const { chunks } = await gateway.messages()
      using client = await connectRawClient(gateway.url)
      await client.sendHead('POST', '/api/v1/images', { 'Content-Type': type, 'Content-Length': 4_000_000 })
      await client.send(beginning)
      await client.send(long)
      await waitFor('first chunk stored', gateway.messages, (now) => now.chunks > chunks)
      client.socket.destroy()
      await waitFor('truncated upload logged', () =>
        gateway.logs.find((line) => line['code'] === 'truncated_upload' && line['path'] === '/api/v1/images'),
      )
    })
  })

  test('a form has no closing boundary', async () => {
    await leavingNothing(async () => {
      const body =
        '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
      for (const cut of [body, `${body}${'x'.repeat(100)}`, '--xyz\r\nContent-Dispos', '', '--xyz']) {
        using client = await connectRawClient(gateway.url)
        await client.sendHead('POST', '/api/v1/images', {
          'Content-Type': 'multipart/form-data; boundary=xyz',
          'Content-Length': cut.length,
        })
        await client.send(cut)
        expect((await client.response()).status).toBeOneOf([400, 415])
      }
    })
  })

  test('the header of a part is malformed', async () => {
    for (const header of [
      'Content-Disposition: form-data',
      'Content-Disposition: form-data; name="file"; filename="x',
      'nonsense\u0000',
    ]) {
      const body = `--xyz\r\n${header}\r\n\r\nabc\r\n--xyz--\r\n`
      const problem = await gateway.refusal(gateway.upload(body, 'multipart/form-data; boundary=xyz'))
      expect([header, problem.code]).toEqual([header, 'invalid_request'])
    }
  })
})

test('an image with exactly the maximum number of pixels is accepted', async () => {
  const bytes = await sampleImage({ width: 2500, height: 2000, noise: 0 })
  expect(await gateway.image(bytes)).toMatchObject({ width: 2500, height: 2000 })
})

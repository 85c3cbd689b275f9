import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem } from '@pixelflow/core/problem'
import type { ImageView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient, type RawResponse } from '../../testing/raw-client.ts'

/** Forms as many HTTP clients send them, over raw connections. */

let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
let folder: string
beforeAll(async () => {
  gateway = await openTestGateway()
  photo = new Uint8Array(await sampleImage({ width: 40, height: 30 }))
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-forms-'))
}, 60_000)
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
/** Latin-1 text: each character is one byte. */
const utf8 = (text: string) => Buffer.from(text).toString('latin1')
const part = (header: string, content: string) => `--b-1\r\n${header}\r\n\r\n${content}\r\n`
const field = (name: string, value: string) => part(`Content-Disposition: form-data; name="${name}"`, value)
const file = (disposition = 'filename="photo.jpg"') =>
  part(
    `Content-Disposition: form-data; name="file"; ${disposition}\r\nContent-Type: image/jpeg`,
    latin1(photo),
  )
const end = '--b-1--\r\n'

interface Sent {
  readonly path?: string
  readonly type?: string
  /** Bytes in one write; all in one without. */
  readonly writes?: number
}

/** Posts a form on a new connection, split into segments. */
async function post(
  text: string,
  { path = '/api/v1/images', type, writes }: Sent = {},
): Promise<RawResponse> {
  using client = await connectRawClient(gateway.url)
  client.socket.setNoDelay(true)
  const body = Buffer.from(text, 'latin1')
  await client.sendHead('POST', path, {
    'Content-Type': type ?? 'multipart/form-data; boundary=b-1',
    'Content-Length': body.length,
    Connection: 'close',
  })
  if (writes === undefined) await client.send(body)
  else {
    for (let at = 0; at < body.length; at += writes) {
      await client.send(body.subarray(at, at + writes))
      // Sends the segment before the next one is written.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return await client.response()
}
const problemOf = ({ status, body }: RawResponse) => ({ ...(JSON.parse(body.toString()) as Problem), status })
const expectImage = (answer: RawResponse) => {
  expect([answer.status, answer.body.toString()]).toEqual([201, answer.body.toString()])
  expect(JSON.parse(answer.body.toString()) as ImageView).toMatchObject({ bytes: photo.length, width: 40 })
}

const fileNames = [
  'фото.jpg',
  '日本.jpg',
  'it’s.jpg',
  'Screenshot 2026-11-21 at 9.41.00\u202fAM.png',
  'café "1"; a\\b.jpg',
  'a\\',
]

describe('a file name', () => {
  test.each(fileNames)('%s from FormData is accepted', async (name) => {
    const form = new FormData()
    form.append('file', new File([photo], name, { type: 'image/jpeg' }))
    const answer = await gateway.call('/api/v1/images', { method: 'POST', body: form })
    expect([answer.status, await answer.json()]).toMatchObject([201, { bytes: photo.length }])
  })

  test.each(fileNames)('%s from curl is accepted', async (name) => {
    const path = join(folder, name)
    await Bun.write(path, photo)
    const curl = async (...options: string[]) => {
      const quoted = `"${path.replace(/[\\"]/g, '\\$&')}"`
      const command = ['curl', '-sS', ...options, '-F', `file=@${quoted}`, `${gateway.url}/api/v1/images`]
      const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' })
      return JSON.parse(await child.stdout.text()) as unknown
    }
    expect(await curl()).toMatchObject({ bytes: photo.length })
    expect(await curl('-H', 'Transfer-Encoding: chunked')).toMatchObject({ bytes: photo.length })
  })

  // Recorded from these libraries.
  test.each([
    ['requests 2.34', utf8('filename="caf\u00e9 %221%22; a\\b.jpg"')],
    ['httpx 0.28', utf8('filename="caf\u00e9 %221%22; a\\\\b.jpg"')],
    ['aiohttp 3.14', 'filename="caf%C3%A9%20%221%22%3B%20a%5Cb.jpg"'],
    ['aiohttp 3.8', `filename="caf%C3%A9.jpg"; filename*=utf-8''caf%C3%A9.jpg`],
    ['requests before 2.25', "filename*=utf-8''caf%C3%A9.jpg"],
    ['Apache HttpClient, strict', 'filename="caf?.jpg"'],
    ['Apache HttpClient, Latin-1', 'filename="caf\xe9.jpg"'],
    ['Spring', 'filename="=?UTF-8?Q?caf=C3=A9.jpg?="; filename*=UTF-8\'\'caf%C3%A9.jpg'],
    ['.NET', 'filename="=?utf-8?B?Y2Fmw6kuanBn?="; filename*=utf-8\'\'caf%C3%A9.jpg'],
    ['Go', utf8(String.raw`filename="caf\u00e9 \"1\" \\.jpg"`)],
    ['a trailing semicolon', 'filename="photo.jpg";'],
    ['no value', 'filename'],
    ['unquoted with spaces and tabs', 'filename=my holiday\tphoto.jpg'],
    ['a broken filename*', 'filename="a.jpg"; filename*=utf-8\'\'%zz'],
  ])('as %s writes it is accepted', async (_, disposition) => {
    expectImage(await post(file(disposition) + end))
  })

  test('of an unknown part is in the error', async () => {
    const header = utf8('Content-Disposition: form-data; name="photo"; filename="фото.jpg"')
    expect(problemOf(await post(part(header, 'x') + end))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      field: 'photo',
      detail: 'The form has an unknown part "photo" (file "фото.jpg").',
    })
  })
})

describe('a form', () => {
  test.each([
    ['.NET', 'multipart/form-data; boundary="b-1"'],
    ['a charset and a trailing semicolon', 'Multipart/Form-Data; charset=UTF-8; boundary=b-1;'],
  ])('with the content type of %s is accepted', async (_, type) => {
    expectImage(await post(file() + end, { type }))
  })

  test.each(['', '; boundary', '; boundary=', '; boundary=""', '; boundary="b-1', '; boundary=b\xe9'])(
    'with the content type multipart/form-data%s is refused',
    async (parameters) => {
      const answer = problemOf(await post(file() + end, { type: `multipart/form-data${parameters}` }))
      expect(answer).toMatchObject({ status: 400, code: 'invalid_request', remedy: expect.any(String) })
      expect(answer.detail).toContain('Content-Type')
    },
  )

  test('is accepted byte by byte', async () => {
    expectImage(await post(file('filename="фото.jpg"'.replace(/[^\0-\x7f]+/, utf8)) + end, { writes: 1 }))
  }, 20_000)

  test.each<[string, () => string, string]>([
    ['a part without a name', () => file() + part('Content-Disposition: form-data', 'x') + end, 'name'],
    ['a part without a header', () => `${file()}--b-1\r\n\r\nx\r\n${end}`, 'Content-Disposition'],
    ['an empty part', () => `${file()}--b-1\r\n${end}`, 'is incomplete'],
    [
      'a part of another disposition',
      () => file() + part('Content-Disposition: inline; name="a"', 'x') + end,
      'inline',
    ],
    [
      'a control character',
      () => file() + part('Content-Disposition: form-data; name="a\nb"', 'x') + end,
      'contr',
    ],
    [
      'base64',
      () => file() + part(`Content-Disposition: form-data; name="a"\r\n${transfer}`, 'x') + end,
      'base64',
    ],
  ])(
    'with %s is refused for every segmentation',
    async (_, text, reason) => {
      for (const writes of [undefined, 1, 3]) {
        const answer = problemOf(await post(text(), writes === undefined ? {} : { writes }))
        expect(answer).toMatchObject({ status: 400, code: 'invalid_request', remedy: expect.any(String) })
        expect(answer.detail).toContain(reason)
      }
    },
    30_000,
  )

  test.each<[string, () => string]>([
    ['its closing boundary', () => file()],
    ['half of its closing boundary', () => `${file()}--b-1-`],
  ])('without %s is truncated', async (_, text) => {
    for (const writes of [undefined, 7])
      expect(problemOf(await post(text(), writes === undefined ? {} : { writes })).code).toBe(
        'truncated_upload',
      )
  })

  test('leaves the connection usable', async () => {
    using client = await connectRawClient(gateway.url)
    for (let round = 0; round < 3; round++) {
      const body = Buffer.from(file() + end, 'latin1')
      await client.sendHead('POST', '/api/v1/images', {
        'Content-Type': 'multipart/form-data; boundary=b-1',
        'Content-Length': body.length,
      })
      await client.send(body.subarray(0, -2))
      await client.send(body.subarray(-2))
      expectImage(await client.response())
      client.forget()
    }
  })
})
const transfer = 'Content-Transfer-Encoding: base64'

describe('limits are exact:', () => {
  const tasks = { path: '/api/v1/tasks' }
  const longest = 1024 * 1024
  const recipe = (length: number) => 'flip'.padEnd(length)

  test('a field of 1 MiB is accepted, one byte more is refused', async () => {
    const answer = (length: number, writes?: number) =>
      post(
        field('recipe', recipe(length)) + file() + end,
        writes === undefined ? tasks : { ...tasks, writes },
      )
    for (const writes of [undefined, 65_537]) {
      expect((await answer(longest, writes)).status).toBe(202)
      expect(problemOf(await answer(longest + 1, writes))).toMatchObject({
        status: 400,
        detail: `The part "recipe" is longer than ${longest} bytes.`,
      })
    }
  }, 20_000)

  test('the first unknown part is refused at once', async () => {
    const { status, detail } = problemOf(await post(field('x', '').repeat(20_000) + end, tasks))
    expect([status, detail]).toEqual([400, 'The form has an unknown part "x".'])
  })

  test('a field must be valid in its charset', async () => {
    const header = 'Content-Disposition: form-data; name="recipe"\r\nContent-Type: text/plain; charset='
    const answer = (charset: string, text: string) => post(part(header + charset, text) + file() + end, tasks)
    expect((await answer('ISO-8859-1', 'flip')).status).toBe(202)
    expect((await answer('utf-16le', 'f\0l\0i\0p\0')).status).toBe(202)
    expect(problemOf(await answer('bogus', 'flip')).detail).toContain('charset bogus')
    expect(problemOf(await answer('utf-8', '\xff')).detail).toContain('charset utf-8')
  })
})

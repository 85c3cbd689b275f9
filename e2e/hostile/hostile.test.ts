import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import type { Problem } from '@pixelflow/core/api'
import { faults, type FaultCode } from '@pixelflow/core/fault'
import { sampleImage } from '@pixelflow/testkit/images'
import { followToEnd } from '../client.ts'
import { openHouse, type House } from './house.ts'
import { flipped, hugeHeaders, packedChunk, png } from './pictures.ts'
import { wire, type WireAnswer } from './wire.ts'

/** The running product, attacked from outside. After each attack it must be as it was before. */

let house: House
let picture: Uint8Array
let image: string

beforeAll(async () => {
  house = await openHouse()
  picture = await sampleImage({ width: 640, height: 480 })
  image = (await house.api.upload(picture)).id
}, 60_000)
afterEach(() => house.unharmed(), 20_000)
afterAll(() => house?.[Symbol.asyncDispose](), 30_000)

const formats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const

/** The code of a problem, after seeing that it is one, whole and in its place. */
function codeOf({ status, head, body }: WireAnswer): FaultCode {
  expect(head).toContain('content-type: application/problem+json')
  const problem = JSON.parse(body) as Problem
  expect(problem).toMatchObject({ status, type: `/docs/problems#${problem.code}` })
  expect(faults[problem.code as FaultCode].http).toBe(status as never)
  expect(status).toBeLessThan(500)
  return problem.code as FaultCode
}

function request(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${house.host}`, ...headers].join('\r\n')}\r\n\r\n${body}`
}
const said = (method: string, path: string, headers?: readonly string[], body?: string) =>
  wire(house.url, request(method, path, headers, body))
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const length = (body: string) => `Content-Length: ${body.length}`

/** A form as it stands on the wire; `\n` is written as CRLF in heads. */
function part(head: string, body: string): string {
  return `--XX\r\n${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}\r\n`
}
const filePart = (body: string) => part('Content-Disposition: form-data; name="file"; filename="a.jpg"', body)
const recipePart = (body: string) => part('Content-Disposition: form-data; name="recipe"', body)
const formType = 'Content-Type: multipart/form-data; boundary=XX'
const postForm = (body: string, path = '/api/v1/tasks') => said('POST', path, [formType, length(body)], body)

describe('uploads', () => {
  test('that are cut off, one and many at once, leave nothing behind', async () => {
    const before = await house.broker.messages()
    const big = latin1(picture).padEnd(600_000, 'x')
    const form = recipePart('resize:9') + filePart(big)
    const cut = (path: string, type: string, body: string, at: number) =>
      wire(
        house.url,
        request('POST', path, [type, `Content-Length: ${body.length}`], body.slice(0, body.length * at)),
        { hangUpAfterMs: 30 },
      )
    const raw = 'Content-Type: image/jpeg'
    for (const at of [0, 0.0001, 0.5, 0.9999]) {
      await cut('/api/v1/images', raw, big, at)
      await cut('/api/v1/tasks', formType, form, at)
    }
    const many = Array.from({ length: 60 }, (_, i) =>
      i % 2 ? cut('/api/v1/images', raw, big, i / 60) : cut('/api/v1/tasks', formType, form, i / 60),
    )
    await Promise.all(many)
    await house.nothingLeft(before)
  }, 30_000)

  test('that are shorter than promised, by half a close, by chunks or by silence', async () => {
    const before = await house.broker.messages()
    const body = latin1(picture).slice(0, 1000)
    const head = ['Content-Type: image/jpeg', 'Content-Length: 5000']
    const silent = await wire(house.url, request('POST', '/api/v1/images', head, body), { withinMs: 15_000 })
    if (silent.status !== 0) expect(codeOf(silent)).toBe('truncated_upload')
    const chunked = ['Content-Type: image/jpeg', 'Transfer-Encoding: chunked']
    const broken = await said('POST', '/api/v1/images', chunked, `3e8\r\n${body}\r\nzz\r\n`)
    expect([0, 400]).toContain(broken.status)
    await house.nothingLeft(before)
  }, 30_000)

  test('that are longer than promised: the rest is not part of the file', async () => {
    const body = latin1(picture)
    const head = ['Content-Type: image/jpeg', `Content-Length: ${body.length - 100}`, 'Connection: close']
    const answer = await said('POST', '/api/v1/images', head, body)
    expect([answer.status, (JSON.parse(answer.body) as { bytes: number }).bytes]).toEqual([
      201,
      body.length - 100,
    ])
  }, 20_000)

  test('of a type, a size or a content that is not taken', async () => {
    const before = await house.broker.messages()
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    const files: [string, string, FaultCode][] = [
      ['image/jpeg', '', 'invalid_request'],
      ['image/jpeg', '\xff', 'unsupported_format'],
      ['text/html', latin1(picture), 'unsupported_format'],
      ['', latin1(picture), 'unsupported_format'],
      [`image/jpeg\xff;;;=${'a'.repeat(2000)}`, latin1(picture), 'unsupported_format'],
      ['image/svg+xml', svg, 'unsupported_format'],
      ['image/png', svg, 'unsupported_format'],
      ['image/jpeg', '<!doctype html><script>alert(1)</script>', 'unsupported_format'],
      ['application/octet-stream', `PK\x03\x04${'\0'.repeat(100)}`, 'unsupported_format'],
      ['image/gif', `GIF89a/*${'*'.repeat(100)}*/=1;alert(1)`, 'too_many_pixels'],
      ...Object.entries(hugeHeaders).map(([name, bytes]): [string, string, FaultCode] => [
        `image/${name}`,
        latin1(bytes),
        'too_many_pixels',
      ]),
      ['image/png', latin1(png(20_000, 20_000)), 'too_many_pixels'],
    ]
    for (const [type, body, code] of files) {
      const answer = await said('POST', '/api/v1/images', [`Content-Type: ${type}`, length(body)], body)
      expect([type, body.slice(0, 20), codeOf(answer)]).toEqual([type, body.slice(0, 20), code])
    }
    const tooLong = await said('POST', '/api/v1/images', [
      'Content-Type: image/jpeg',
      'Content-Length: 33554433',
    ])
    expect(codeOf(tooLong)).toBe('image_too_large')
    await house.nothingLeft(before)
  }, 30_000)

  test('that trickle or stall do not keep others out', async () => {
    const before = await house.broker.messages()
    // Each holds more than a chunk; together they want five times the memory for uploads.
    const body = latin1(picture).padEnd(150_000, 'x')
    const head = ['Content-Type: image/jpeg', 'Content-Length: 900000']
    const stalled = Array.from({ length: 150 }, () =>
      wire(house.url, request('POST', '/api/v1/images', head, body), { withinMs: 20_000 }),
    )
    const heads = Array.from({ length: 50 }, () =>
      wire(house.url, 'POST /api/v1/images HTTP/1.1\r\nHost: loca', { hangUpAfterMs: 3000 }),
    )
    await Bun.sleep(500)
    const begin = Date.now()
    await house.goodPicture()
    expect(Date.now() - begin).toBeLessThan(2000)
    for (const answer of await Promise.all(stalled)) expect([0, 400]).toContain(answer.status)
    await Promise.all(heads)
    await house.nothingLeft(before, ['JOBS'])
  }, 40_000)
})

describe('forms', () => {
  test('cut anywhere are refused, and nothing of them stays', async () => {
    const before = await house.broker.messages()
    const whole = `${filePart(latin1(picture))}${recipePart('resize:9')}--XX--\r\n`
    const ends = whole.length - latin1(picture).length
    for (let i = 1; i <= 40; i++) {
      // Dense where the form's own words are, at both sides of the file.
      const at =
        i <= 20 ? Math.floor((i * 120) / 20) : whole.length - 4 - Math.floor(((i - 21) * (ends - 110)) / 20)
      const answer = await postForm(whole.slice(0, at))
      expect([at, ['truncated_upload', 'invalid_request'].includes(codeOf(answer))]).toEqual([at, true])
    }
    await house.nothingLeft(before)
  }, 30_000)

  test('that are malformed, endless or not what was asked for', async () => {
    const before = await house.broker.messages()
    const file = filePart(latin1(picture))
    const recipe = recipePart('resize:9')
    const end = '--XX--\r\n'
    const forms: [string, string, FaultCode][] = [
      ['nothing', '', 'truncated_upload'],
      ['no parts', end, 'invalid_request'],
      ['no file', recipe + end, 'invalid_request'],
      ['no recipe', file + end, 'invalid_request'],
      ['two files', file + recipe + file + end, 'invalid_request'],
      ['two recipes', recipe + recipe + file + end, 'invalid_request'],
      ['a wrong recipe behind the file', file + recipePart('explode') + end, 'invalid_recipe'],
      ['a recipe of broken JSON', file + recipePart('{"steps":[') + end, 'invalid_recipe'],
      ['an empty file', filePart('') + recipe + end, 'invalid_request'],
      [
        'a file of text',
        filePart('hello, this is a text and no picture at all'.repeat(3)) + recipe + end,
        'unsupported_format',
      ],
      [
        'an unknown part',
        part('Content-Disposition: form-data; name="__proto__"', 'x') + end,
        'invalid_request',
      ],
      ['a part without a name', part('Content-Disposition: form-data', 'x') + end, 'invalid_request'],
      ['a part without a head', part('', 'x') + end, 'invalid_request'],
      [
        'a bad charset',
        part('Content-Disposition: form-data; name="recipe"\nContent-Type: text/plain; charset=bogus', 'x') +
          end,
        'invalid_recipe',
      ],
      [
        'a bad file name',
        part('Content-Disposition: form-data; name="file"; filename*=utf-8\'\'%zz', 'x') + end,
        'invalid_request',
      ],
      [
        'a huge head',
        part(`Content-Disposition: form-data; name="file"\nX: ${'y'.repeat(2_000_000)}`, 'x') + end,
        'invalid_request',
      ],
      [
        'many heads',
        part(`Content-Disposition: form-data; name="file"${'\nX: y'.repeat(50_000)}`, 'x') + end,
        'invalid_request',
      ],
      ['thousands of parts', recipePart('').repeat(5000) + end, 'invalid_request'],
      [
        'thousands of parts that are files',
        part('Content-Disposition: form-data; name="f"; filename="f"', '').repeat(5000) + end,
        'invalid_request',
      ],
      ['a huge recipe', recipePart('resize:9/'.repeat(200_000)) + end, 'invalid_request'],
      ['only a preamble', 'z'.repeat(3_000_000), 'truncated_upload'],
    ]
    for (const [what, body, code] of forms) {
      const answer = await postForm(body)
      expect([what, codeOf(answer)]).toEqual([what, code])
    }
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      `multipart/form-data; boundary=${'b'.repeat(4000)}`,
      'multipart/form-data; boundary=\xff\xfe',
      'multipart/form-data; boundary="',
      'multipart/mixed; boundary=XX',
    ]) {
      const answer = await said('POST', '/api/v1/tasks', [`Content-Type: ${type}`, length(file)], file)
      expect(['invalid_request', 'truncated_upload', 'unsupported_format']).toContain(codeOf(answer))
    }
    await house.nothingLeft(before)
  }, 30_000)

  test('names in a form do not get into headers', async () => {
    const name = '../../etc/a%0d%0aX-Evil: 1;<script>'
    const body = `${recipePart('resize:9')}${part(`Content-Disposition: form-data; name="file"; filename="${name}"`, latin1(picture))}--XX--\r\n`
    const made = await postForm(body)
    expect([made.status, made.body]).toEqual([202, made.body])
    const { id } = JSON.parse(made.body) as { id: string }
    await followToEnd(() => house.api, id)
    const { head } = await said('GET', `/api/v1/tasks/${id}/outputs/default?download=1`)
    expect(head).toContain(`filename="${id}.jpg"`)
    expect(head).not.toContain('x-evil')
  }, 20_000)
})

describe('pictures', () => {
  test('in every format, cut and with flipped bits, end in a result or a typed fault', async () => {
    const allowed = [
      'corrupt_image',
      'unsupported_format',
      'processing_failed',
      'too_many_pixels',
      'out_of_bounds',
    ]
    for (const format of formats) {
      const good = await sampleImage({ width: 160, height: 120, format })
      const damaged: Uint8Array[] = [0.1, 0.5, 0.95, 0.999].map((at) =>
        good.slice(0, Math.floor(good.length * at)),
      )
      for (let seed = 1; seed <= 8; seed++) damaged.push(flipped(good, seed, seed * seed))
      const endings = damaged.map(async (bytes, i) => {
        const answer = await house.api.call('/api/v1/tasks', { method: 'POST', body: formOf(bytes) })
        if (answer.status !== 202) return ((await answer.json()) as Problem).code
        const { id } = (await answer.json()) as { id: string }
        const seen = await followToEnd(() => house.api, id)
        const finals = seen.filter(({ view }) => ['completed', 'failed'].includes(view.kind))
        expect(finals.length).toBe(1)
        const { kind, task } = (finals[0] as (typeof seen)[number]).view
        if (i < 4) expect([format, i, kind]).toEqual([format, i, 'failed'])
        if (kind === 'failed') expect([format, i, task.outputs]).toEqual([format, i, []])
        return kind === 'completed' ? undefined : task.fault?.code
      })
      for (const code of await Promise.all(endings)) if (code !== undefined) expect(allowed).toContain(code)
    }
  }, 40_000)

  test('that unpack to far more than they are end within bounds', async () => {
    const bombs: [string, Uint8Array, string, string?][] = [
      ['more rows than stated', png(20_000, 20_000, { width: 100, height: 100 }), 'resize:10'],
      ['fewer rows than stated', png(100, 100, { width: 9000, height: 9000 }), 'resize:10', 'corrupt_image'],
      ['as large as is allowed', png(10_000, 10_000), 'resize:10'],
      ['turned into something larger', png(10_000, 10_000), 'rotate:45', 'too_many_pixels'],
      ['a packed profile', png(100, 100, undefined, packedChunk('iCCP', 100e6)), 'resize:10'],
      ['a packed text', png(100, 100, undefined, packedChunk('zTXt', 100e6)), 'resize:10'],
    ]
    for (const [what, bytes, recipe, code] of bombs) {
      const { end } = await house.process(bytes, recipe)
      expect([what, end?.kind, end?.task.fault?.code]).toEqual([what, code ? 'failed' : 'completed', code])
    }
  }, 40_000)
})

function formOf(bytes: Uint8Array): FormData {
  const form = new FormData()
  form.set('recipe', 'resize:10/format:png')
  form.set('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), 'a')
  return form
}

describe('recipes', () => {
  const steps = (count: number) => Array.from({ length: count }, () => '{"op":"flip"}').join()
  test.each([
    'null',
    '1',
    '[]',
    '{}',
    '"/"',
    '"explode"',
    '"__proto__"',
    '"constructor:1"',
    '"resize:__proto__=1"',
    '"resize:%00"',
    '"resize:%ff"',
    '"resize:%"',
    '"resize:1e309"',
    '"resize:-1"',
    '"resize:99999999"',
    '"blur:NaN"',
    '"blur:Infinity"',
    '"\\ud800"',
    '"crop:left=0:top=0:width=0:height=0"',
    '{"steps":[null]}',
    '{"steps":{"length":1e9}}',
    '{"steps":[{"op":{}}]}',
    '{"steps":[{"op":"toString"}]}',
    '{"steps":[{"op":"resize","width":1e309}]}',
    '{"steps":[{"op":"resize","width":5,"__proto__":{}}]}',
    '{"steps":[{"op":"resize","width":5,"wdith":5}]}',
    '{"steps":[],"__proto__":{}}',
    '{"steps":[],"outputs":{"a":{"steps":[]},"__proto__":{"steps":[]}}}',
    '{"steps":[],"outputs":{"../a":{"steps":[]}}}',
    '{"steps":[],"outputs":{"a.b>*":{"steps":[]}}}',
    `{"steps":[${steps(33)}]}`,
    `{"steps":[${steps(50_000)}]}`,
    `"${'flip/'.repeat(40_000)}flip"`,
    `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
    `{"steps":${'{"steps":'.repeat(50_000)}1${'}'.repeat(50_001)}`,
    `{"steps":[],"outputs":{${Array.from({ length: 5000 }, (_, i) => `"o${i}":{"steps":[]}`).join()}}}`,
    `"${'x'.repeat(1_100_000)}"`,
  ])(
    '%#: %.60s',
    async (recipe) => {
      const before = await house.broker.messages()
      const body = `{"image":"${image}","recipe":${recipe}}`
      const answer = await said(
        'POST',
        '/api/v1/tasks',
        ['Content-Type: application/json', length(body)],
        body,
      )
      expect(['invalid_recipe', 'invalid_request']).toContain(codeOf(answer))
      await house.nothingLeft(before, ['EVENTS', 'JOBS'])
    },
    20_000,
  )

  test('bodies that are no JSON, or not UTF-8', async () => {
    for (const body of [
      '',
      '{',
      '\xff\xfe{}',
      'NaN',
      `{"image":"${image}"}`,
      '{"image":{"$ne":1},"recipe":"flip"}',
      `{"image":"${image}","recipe":"flip","x":1}`,
      `{"image":"${image}","recipe":"flip","__proto__":1}`,
    ]) {
      const answer = await said(
        'POST',
        '/api/v1/tasks',
        ['Content-Type: application/json', length(body)],
        body,
      )
      expect([body, codeOf(answer)]).toEqual([body, 'invalid_request'])
    }
  }, 20_000)
})

describe('addresses', () => {
  test('ids and names of other shapes are unknown', async () => {
    const odd = [
      '%',
      '%zz',
      '%00',
      '..%2f..%2fetc%2fpasswd',
      '%C0%80',
      '%F0%9F%98%80',
      'A'.repeat(5000),
      '*',
      '>',
      'a.b',
      '__proto__',
      image.toUpperCase(),
      `${image}%00`,
      `${image}%0d%0aX:y`,
      `%20${image}`,
      `{${image}}`,
      image.replaceAll('-', ''),
    ]
    for (const one of odd) {
      for (const path of [
        `images/${one}`,
        `images/${one}/content`,
        `tasks/${one}`,
        `tasks/${one}/events`,
        `tasks/${one}/outputs/default`,
        `tasks/${image}/outputs/${one}`,
      ]) {
        const { status, head, body } = await said('GET', `/api/v1/${path}`)
        expect([path, status]).toEqual([path, 404])
        expect(head.split('\r\n').some((line) => line.startsWith('x:'))).toBe(false)
        JSON.parse(body)
      }
      for (const [method, path] of [
        ['DELETE', `images/${one}`],
        ['DELETE', `tasks/${one}`],
        ['POST', `tasks/${one}/cancel`],
      ] as const)
        expect([method, path, (await said(method, `/api/v1/${path}`)).status]).toEqual([method, path, 404])
    }
  }, 20_000)

  test('queries, cursors and resume tokens that nobody gave out', async () => {
    const { task } = await house.process(picture, 'resize:9')
    for (const query of [
      'limit=0',
      'limit=1e9',
      'limit=NaN',
      'limit=%zz',
      'status=__proto__',
      'status=queued%00',
      'cursor=',
      'cursor=abc',
      'cursor=%00',
      `cursor=${'A'.repeat(22)}`,
      `cursor=${'A'.repeat(5000)}`,
      '__proto__=1',
      'constructor[x]=1',
      '%',
      'a'.repeat(6000),
    ])
      expect([query, codeOf(await said('GET', `/api/v1/tasks?${query}`))]).toEqual([query, 'invalid_request'])
    for (const token of ['abc', '-1', '1e3', '%00', '99999999', '9'.repeat(100), '\xff', `${task}`, '1;drop'])
      expect([
        token,
        codeOf(await said('GET', `/api/v1/tasks/${task}/events`, [`Last-Event-ID: ${token}`])),
      ]).toEqual([token, 'invalid_request'])
  }, 20_000)

  test('ranges: never more than there is, never an error of ours', async () => {
    const ranges: [string, number][] = [
      ['bytes=0-', 206],
      ['bytes=0-0', 206],
      ['bytes=-99999999999', 206],
      ['bytes=-0', 416],
      ['bytes=99999999-', 416],
      ['bytes=5-2', 200],
      ['bytes=--1', 200],
      ['bytes=1e2-', 200],
      ['bytes=0-99999999999999999999', 200],
      [`bytes=${'0-0,'.repeat(1500)}0-0`, 200],
      ['items=0-1', 200],
    ]
    for (const [range, status] of ranges) {
      const answer = await said('GET', `/api/v1/images/${image}/content`, [`Range: ${range}`])
      expect([range.slice(0, 40), answer.status]).toEqual([range.slice(0, 40), status])
      expect(answer.body.length).toBeLessThanOrEqual(picture.length)
    }
  }, 20_000)
})

describe('the protocol', () => {
  test('a request has one length, and what follows it is not smuggled in', async () => {
    const follower = request('GET', '/api/v1/smuggled')
    const framings = [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nContent-Length: 5',
      'Content-Length: 2\r\nContent-Length: 5',
      'Content-Length: -1',
      'Content-Length: +2',
      'Content-Length: 0x2',
      'Content-Length: 2, 5',
      'Content-Length: 99999999999999999999999',
      'Content-Length : 2',
      'Transfer-Encoding: xchunked',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
      'X: a\r\n b',
    ]
    for (const framing of framings) {
      const answer = await said(
        'POST',
        '/api/v1/tasks',
        ['Content-Type: application/json', framing],
        `0\r\n\r\n${follower}`,
      )
      expect([framing, [0, 400].includes(answer.status)]).toEqual([framing, true])
    }
    for (const chunks of [
      '-1\r\n',
      'zz\r\n',
      'ffffffffffffffff1\r\n{}\r\n',
      '2\r\n{}XX0\r\n\r\n',
      `2;${'a'.repeat(100_000)}\r\n{}\r\n`,
    ]) {
      const answer = await said(
        'POST',
        '/api/v1/tasks',
        ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        chunks + follower,
      )
      expect([chunks.slice(0, 20), [0, 400, 413].includes(answer.status)]).toEqual([
        chunks.slice(0, 20),
        true,
      ])
    }
  }, 20_000)

  test('methods, versions, heads and targets that do not exist', async () => {
    for (const method of ['TRACE', 'OPTIONS', 'PATCH', 'PUT', 'PROPFIND', 'QUERY', 'CONNECT'])
      for (const path of ['/', '/api/v1/tasks', `/api/v1/images/${image}`, '/health/live'])
        expect([method, path, codeOf(await said(method, path))]).toEqual([method, path, 'method_not_allowed'])
    const broken = [
      request('FOO', '/'),
      request('G@T', '/'),
      request('GET', '/\0'),
      request('GET', 'api'),
      request('OPTIONS', '*'),
      'GET /\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03\r\n\r\n',
      request('GET', `/?${'a=1&'.repeat(25_000)}`),
      request('GET', '/', [`X: ${'a'.repeat(100_000)}`]),
      request(
        'GET',
        '/',
        Array.from({ length: 300 }, (_, i) => `X${i}: a`),
      ),
    ]
    for (const bytes of broken) {
      const { status } = await wire(house.url, bytes)
      expect([bytes.slice(0, 30), [0, 400, 404, 431, 505].includes(status)]).toEqual([
        bytes.slice(0, 30),
        true,
      ])
    }
    const marked = await said('GET', '/nothing', ['X-Request-ID: a\tb"<script>'])
    expect(codeOf(marked)).toBe('not_found')
    expect(marked.head + marked.body).not.toContain('script')
  }, 20_000)

  test('without tokens, other names and other pages are kept out', async () => {
    const own = `http://${house.host}`
    const foreign: string[][] = [
      ['Host: evil.example'],
      [`Host: ${house.host}`, 'Host: evil.example'],
      ['Host: evil.example', `Host: ${house.host}`],
      ['Host: localhost.evil.example'],
      ['Host: 127.0.0.1.evil.example'],
      [`Host: ${house.host}`, 'Origin: https://evil.example'],
      [`Host: ${house.host}`, 'Origin: null'],
      [`Host: ${house.host}`, `Origin: ${own}.evil.example`],
      [`Host: ${house.host}`, `Origin: ${own}`, 'Origin: https://evil.example'],
      [`Host: ${house.host}`, 'Sec-Fetch-Site: cross-site'],
      [`Host: ${house.host}`, 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors'],
      [
        `Host: ${house.host}`,
        'Sec-Fetch-Site: cross-site',
        'Sec-Fetch-Mode: navigate',
        'Sec-Fetch-Dest: iframe',
      ],
    ]
    for (const headers of foreign) {
      for (const [method, path] of [
        ['GET', '/api/v1/tasks'],
        ['POST', '/api/v1/images'],
        ['DELETE', `/api/v1/images/${image}`],
        ['GET', '/api/v1/settings'],
      ] as const) {
        const answer = await wire(house.url, `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
        expect([headers, path, codeOf(answer)]).toEqual([headers, path, 'forbidden'])
      }
    }
    expect((await said('GET', `/api/v1/images/${image}`)).status).toBe(200)
  }, 20_000)
})

test('tokens that are none are refused alike', async () => {
  const guarded = await house.gateway({ PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' })
  const asked = (authorization: string[]) =>
    wire(
      guarded.url,
      `GET /api/v1/tasks HTTP/1.1\r\n${['Host: px.example', ...authorization].join('\r\n')}\r\n\r\n`,
    )
  const none = ['', 'Bearer', 'Bearer ', 'Bearer  x y', 'Basic YTpi', 'secret-of-ann', 'Bearer secret-of-an']
  const more = [
    'Bearer secret-of-annn',
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer \xff',
    'Bearer ann:secret-of-ann',
  ]
  for (const token of [...none, ...more])
    expect([token.slice(0, 30), codeOf(await asked([`Authorization: ${token}`]))]).toEqual([
      token.slice(0, 30),
      'unauthenticated',
    ])
  expect(codeOf(await asked([]))).toBe('unauthenticated')
  const twice = ['Authorization: Bearer secret-of-ann', 'Authorization: Bearer x']
  expect(codeOf(await asked(twice))).toBe('unauthenticated')
  expect((await asked(['Authorization: Bearer secret-of-ann'])).status).toBe(200)
}, 20_000)

describe('races', () => {
  test('tasks that are cancelled and deleted while they run have one end, and leave no outputs', async () => {
    const large = (await house.api.upload(await sampleImage({ width: 1600, height: 1200, seed: 77 }))).id
    const recipe = {
      steps: [],
      outputs: {
        a: { steps: [{ op: 'format', type: 'png' }] },
        b: { steps: [{ op: 'blur', sigma: 2 }] },
        c: { steps: [] },
      },
    }
    const before = await house.broker.bytes()
    const call = async (method: string, path: string) => (await house.api.call(path, { method })).status
    const lives = Array.from({ length: 24 }, async (_, i) => {
      const { id } = await house.api.submit(large, recipe)
      const path = `/api/v1/tasks/${id}`
      const watching = followToEnd(() => house.api, id, { timeoutMs: 20_000 }).catch(() => [])
      await Bun.sleep(i * 40)
      const statuses = await Promise.all(
        i % 2
          ? [
              call('POST', `${path}/cancel`),
              call('DELETE', path),
              call('POST', `${path}/cancel`),
              call('DELETE', path),
            ]
          : [call('DELETE', path), call('DELETE', path), call('DELETE', path)],
      )
      for (const status of statuses) expect([200, 204, 404, 409]).toContain(status)
      expect(statuses).toContain(204)
      expect(await call('GET', path)).toBe(404)
      expect(await call('GET', `${path}/outputs/a`)).toBe(404)
      return { id, watching }
    })
    await Promise.all(lives)
    // What an attempt was storing when its task went is taken away by whoever stored it.
    const deadline = Date.now() + 8000
    let left = Infinity
    while (left > 64 * 1024 && Date.now() < deadline) {
      await Bun.sleep(100)
      left = ((await house.broker.bytes())['OBJ_results'] ?? 0) - (before['OBJ_results'] ?? 0)
    }
    expect(left).toBeLessThan(64 * 1024)
    expect((await house.broker.messages())['JOBS']).toBe(0)
  }, 40_000)

  test('images that are deleted while tasks are made of them', async () => {
    for (let i = 0; i < 6; i++) {
      const { id } = await house.api.upload(await sampleImage({ width: 64, height: 64, seed: 500 + i }))
      const [made, gone, again] = await Promise.all([
        house.api.call('/api/v1/tasks', {
          method: 'POST',
          body: JSON.stringify({ image: id, recipe: 'flip' }),
          headers: { 'content-type': 'application/json' },
        }),
        house.api.call(`/api/v1/images/${id}`, { method: 'DELETE' }),
        house.api.call(`/api/v1/images/${id}`, { method: 'DELETE' }),
      ])
      expect([202, 404]).toContain(made.status)
      expect([204, 404]).toContain(gone.status)
      expect([204, 404]).toContain(again.status)
      if (made.status !== 202) continue
      const seen = await followToEnd(() => house.api, ((await made.json()) as { id: string }).id)
      const end = seen.at(-1)?.view
      expect([undefined, 'image_not_found']).toContain(end?.task.fault?.code)
    }
  }, 20_000)

  test('readers that never read do not hold anything up', async () => {
    const large = await house.api.upload(
      await sampleImage({ width: 3000, height: 2000, format: 'png', seed: 9 }),
    )
    const { id } = await house.api.submit(large.id, 'flip')
    const paused = Array.from({ length: 60 }, (_, i) =>
      neverReading(
        request('GET', i % 2 ? `/api/v1/tasks/${id}/events` : `/api/v1/images/${large.id}/content`),
      ),
    )
    await followToEnd(() => house.api, id)
    const begin = Date.now()
    await house.goodPicture()
    expect(Date.now() - begin).toBeLessThan(4000)
    expect(house.broker.nats.log()).not.toContain('Slow Consumer')
    for (const socket of paused) socket.destroy()
  }, 30_000)
})

function neverReading(bytes: string) {
  const { hostname, port } = new URL(house.url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => {})
  socket.write(bytes)
  return socket
}

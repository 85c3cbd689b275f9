import { describe, expect, test } from 'bun:test'
import { expectProblem, formatHttpRequest, send } from './http-request.ts'
import { target, imageId } from './shared-target.ts'
import { sendRaw } from './send-raw.ts'

export function testProtocol(): void {
  describe('HTTP messages', () => {
    test('ambiguous lengths do not smuggle a second request', async () => {
      const smuggled = formatHttpRequest('GET', '/api/v1/smuggled')
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
        const answer = await send(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', framing],
          `0\r\n\r\n${smuggled}`,
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
        const answer = await send(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
          chunks + smuggled,
        )
        expect([chunks.slice(0, 20), [0, 400, 413].includes(answer.status)]).toEqual([
          chunks.slice(0, 20),
          true,
        ])
      }
    }, 20_000)

    test('unknown methods, versions, targets and malformed headers are refused', async () => {
      for (const method of ['TRACE', 'OPTIONS', 'PATCH', 'PUT', 'PROPFIND', 'QUERY', 'CONNECT'])
        for (const path of ['/', '/api/v1/tasks', `/api/v1/images/${imageId}`, '/health/live'])
          expect([method, path, expectProblem(await send(method, path))]).toEqual([
            method,
            path,
            'method_not_allowed',
          ])
      const broken = [
        formatHttpRequest('FOO', '/'),
        formatHttpRequest('G@T', '/'),
        formatHttpRequest('GET', '/\0'),
        formatHttpRequest('GET', 'api'),
        formatHttpRequest('OPTIONS', '*'),
        'GET /\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        '\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03\r\n\r\n',
        formatHttpRequest('GET', `/?${'a=1&'.repeat(25_000)}`),
        formatHttpRequest('GET', '/', [`X: ${'a'.repeat(100_000)}`]),
        formatHttpRequest(
          'GET',
          '/',
          Array.from({ length: 300 }, (_, i) => `X${i}: a`),
        ),
      ]
      for (const bytes of broken) {
        const { status } = await sendRaw(target.url, bytes)
        expect([bytes.slice(0, 30), [0, 400, 404, 431, 505].includes(status)]).toEqual([
          bytes.slice(0, 30),
          true,
        ])
      }
      const answer = await send('GET', '/nothing', ['X-Request-ID: a\tb"<script>'])
      expect(expectProblem(answer)).toBe('not_found')
      expect(answer.head + answer.body).not.toContain('script')
    }, 20_000)

    test('without tokens, foreign host names and origins are forbidden', async () => {
      const own = `http://${target.host}`
      const foreign: string[][] = [
        ['Host: evil.example'],
        [`Host: ${target.host}`, 'Host: evil.example'],
        ['Host: evil.example', `Host: ${target.host}`],
        ['Host: localhost.evil.example'],
        ['Host: 127.0.0.1.evil.example'],
        [`Host: ${target.host}`, 'Origin: https://evil.example'],
        [`Host: ${target.host}`, 'Origin: null'],
        [`Host: ${target.host}`, `Origin: ${own}.evil.example`],
        [`Host: ${target.host}`, `Origin: ${own}`, 'Origin: https://evil.example'],
        [`Host: ${target.host}`, 'Sec-Fetch-Site: cross-site'],
        [`Host: ${target.host}`, 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors'],
        [
          `Host: ${target.host}`,
          'Sec-Fetch-Site: cross-site',
          'Sec-Fetch-Mode: navigate',
          'Sec-Fetch-Dest: iframe',
        ],
      ]
      for (const headers of foreign) {
        for (const [method, path] of [
          ['GET', '/api/v1/tasks'],
          ['POST', '/api/v1/images'],
          ['DELETE', `/api/v1/images/${imageId}`],
          ['GET', '/api/v1/settings'],
        ] as const) {
          const answer = await sendRaw(
            target.url,
            `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`,
          )
          expect([headers, path, expectProblem(answer)]).toEqual([headers, path, 'forbidden'])
        }
      }
      expect((await send('GET', `/api/v1/images/${imageId}`)).status).toBe(200)
    }, 20_000)
  })

  test('every invalid token is refused with the same error', async () => {
    const guarded = await target.gateway({ PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' })
    const listTasks = (authorization: string[]) =>
      sendRaw(
        guarded.url,
        `GET /api/v1/tasks HTTP/1.1\r\n${['Host: px.example', ...authorization].join('\r\n')}\r\n\r\n`,
      )
    const malformed = [
      '',
      'Bearer',
      'Bearer ',
      'Bearer  x y',
      'Basic YTpi',
      'secret-of-ann',
      'Bearer secret-of-an',
    ]
    const unknown = [
      'Bearer secret-of-annn',
      `Bearer ${'x'.repeat(10_000)}`,
      'Bearer \xff',
      'Bearer ann:secret-of-ann',
    ]
    for (const token of [...malformed, ...unknown])
      expect([token.slice(0, 30), expectProblem(await listTasks([`Authorization: ${token}`]))]).toEqual([
        token.slice(0, 30),
        'unauthenticated',
      ])
    expect(expectProblem(await listTasks([]))).toBe('unauthenticated')
    const twice = ['Authorization: Bearer secret-of-ann', 'Authorization: Bearer x']
    expect(expectProblem(await listTasks(twice))).toBe('unauthenticated')
    expect((await listTasks(['Authorization: Bearer secret-of-ann'])).status).toBe(200)
  }, 20_000)
}

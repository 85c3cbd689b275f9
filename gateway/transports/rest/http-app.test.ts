import { describe, expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { faults } from '@pixelflow/core/fault'
import { openTestGateway, unknownId, type TestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

/** The response to a request with exactly this text. */
const sendRaw = async (request: string) => {
  using client = await connectRawClient(gateway.url)
  await client.send(request)
  return await client.response()
}

describe('an error', () => {
  test.each([
    ['GET', '/nothing', 404, 'not_found', null],
    ['GET', '/api/v1/images/x/y/z', 404, 'not_found', null],
    ['GET', '/assets/nothing.js', 404, 'not_found', null],
    ['GET', '/assets/..%2f..%2fpackage.json', 404, 'not_found', null],
    ['GET', '/docs/assets/constructor', 404, 'not_found', null],
    ['PUT', '/api/v1/tasks', 405, 'method_not_allowed', 'GET, HEAD, POST'],
    ['PATCH', '/api/v1/images/x', 405, 'method_not_allowed', 'DELETE, GET, HEAD'],
    ['GET', '/api/v1/images', 405, 'method_not_allowed', 'POST'],
    ['OPTIONS', '/api/v1/tasks/x/cancel', 405, 'method_not_allowed', 'POST'],
    ['POST', '/', 405, 'method_not_allowed', 'GET, HEAD'],
    ['POST', '/health/ready', 405, 'method_not_allowed', 'GET, HEAD'],
  ])('of %s %s is a problem response', async (method, path, status, code, allow) => {
    const problem = await gateway.refusal(gateway.call(path, { method }))
    expect(problem as object).toMatchObject({
      status,
      code,
      allow,
      type: `/docs/problems#${code}`,
      title: expect.any(String),
    })
  })

  test('is a problem response without a Host header, and over HTTP/1.0', async () => {
    for (const request of ['GET /api/v1/tasks HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) {
      const { status, headers } = await sendRaw(request)
      expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    }
  })

  test('does not reveal its internal cause', async () => {
    await gateway.nats.kill9()
    const answer = await gateway.call(`/api/v1/tasks/${unknownId}`)
    const text = await answer.text()
    await gateway.nats.restart()
    expect(answer.status).toBe(503)
    expect(text).not.toMatch(/nats|127\.0\.0\.1|stack|at .*\.ts|Unreachable/i)
    const id = answer.headers.get('x-request-id')
    const line = gateway.logs.find((one) => one['requestId'] === id)
    expect(line).toMatchObject({ level: 'info', msg: 'request', status: 503, code: 'unavailable' })
    expect(JSON.stringify(line)).toContain('Unreachable')
  }, 30_000)
})

describe('every response', () => {
  test.each(['/', '/health/live', '/api/v1/settings', '/api/v1/tasks', '/nothing', '/docs'])(
    'to %s has a request id',
    async (path) => {
      const fresh = await gateway.call(path)
      expect(fresh.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(fresh.headers.get('x-content-type-options')).toBe('nosniff')
      const named = await gateway.call(path, { headers: { 'x-request-id': 'call-7:a.b' } })
      expect(named.headers.get('x-request-id')).toBe('call-7:a.b')
      const head = await gateway.call(path, { method: 'HEAD' })
      expect([head.status, head.headers.get('x-request-id')?.length]).toEqual([fresh.status, 36])
      for (const bad of ['x'.repeat(200), 'a b', '<script>']) {
        const answer = await gateway.call(path, { headers: { 'x-request-id': bad } })
        expect(answer.headers.get('x-request-id')).not.toBe(bad)
      }
    },
  )

  test('is logged once', async () => {
    await gateway.call('/api/v1/tasks?limit=7', { headers: { 'x-request-id': 'logged-once' } })
    const lines = gateway.logs.filter((one) => one['requestId'] === 'logged-once')
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        msg: 'request',
        method: 'GET',
        path: '/api/v1/tasks',
        status: 200,
        account: 'local',
        ms: expect.any(Number),
      }),
    ])
  })

  test('is the same under a short host name', async () => {
    const { status, body } = await sendRaw('GET /api/v1/settings HTTP/1.1\r\nHost: [::1]\r\n\r\n')
    expect([status, JSON.parse(body.toString()).auth]).toEqual([200, 'none'])
    // A slash in the query is not part of the path: the parameter is refused, not the path.
    const other = await sendRaw('GET /api/v1/settings?x=/y HTTP/1.1\r\nHost: [::1]\r\n\r\n')
    expect([other.status, JSON.parse(other.body.toString()).field]).toEqual([400, 'x'])
  })
})

describe('without tokens', () => {
  test.each([
    ['a rebound name', { host: 'evil.example' }],
    ['a foreign page', { origin: 'https://evil.example' }],
    ['an image tag of another origin', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ])('%s is refused', async (_, headers) => {
    for (const path of [
      '/api/v1/tasks',
      '/api/v1/settings',
      '/api/v1/operations',
      '/',
      '/docs',
      '/api/v1/openapi.json',
    ]) {
      const problem = await gateway.refusal(gateway.call(path, { headers }))
      expect([path, problem.status, problem.code]).toEqual([path, 403, 'forbidden'])
    }
  })

  test('a page of another origin cannot upload', async () => {
    const before = await gateway.messages()
    const headers = { origin: 'https://evil.example', 'content-type': 'image/jpeg' }
    const answer = gateway.call('/api/v1/images', { method: 'POST', headers, body: new Uint8Array(100_000) })
    expect(await gateway.refusal(answer)).toMatchObject({ status: 403 })
    expect(await gateway.messages()).toEqual(before)
  })
})

describe('with tokens', () => {
  test('every call of an account needs one, under any host name', async () => {
    const guarded = await gateway.another({ PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' })
    const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(`${guarded.url}${path}`, { method, headers: { host: 'pixelflow.example', ...headers } })
    for (const [path, method] of [
      ['/api/v1/tasks', 'GET'],
      ['/api/v1/tasks', 'POST'],
      ['/api/v1/tasks/x/events', 'GET'],
      ['/api/v1/images', 'POST'],
      ['/api/v1/operations', 'GET'],
    ] as const) {
      const bare = await ask(path, {}, method)
      expect(bare.headers.get('www-authenticate')).toStartWith('Bearer')
      expect(await gateway.refusal(bare)).toMatchObject({ status: 401, code: 'unauthenticated' })
      expect((await ask(path, { authorization: 'Bearer wrong' }, method)).status).toBe(401)
    }
    expect((await ask('/api/v1/tasks', { authorization: 'Bearer secret-of-ann' })).status).toBe(200)
    for (const path of ['/api/v1/settings', '/health/live', '/', '/docs', '/api/v1/openapi.json']) {
      expect([path, (await ask(path)).status]).toEqual([path, 200])
    }
    expect(await (await ask('/api/v1/settings')).json()).toMatchObject({ auth: 'token' })
  })

  test('resources of one account are not found by another', async () => {
    const guarded = await gateway.another({ PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' })
    const as =
      (account: string) =>
      (path: string, init: RequestInit = {}) =>
        fetch(`${guarded.url}${path}`, {
          ...init,
          headers: {
            authorization: `Bearer secret-of-${account}`,
            ...(init.headers as Record<string, string>),
          },
        })
    const [ann, bob] = [as('ann'), as('bob')]
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
    const upload = { method: 'POST', body: gif, headers: { 'content-type': 'image/gif' } }
    const { id: image } = (await (await ann('/api/v1/images', upload)).json()) as { id: string }
    const submit = (id: string) => ({
      method: 'POST',
      body: JSON.stringify({ image: id, recipe: 'flip' }),
      headers: { 'content-type': 'application/json' },
    })
    const { id: task } = (await (await ann('/api/v1/tasks', submit(image))).json()) as { id: string }
    for (const [path, init] of [
      [`/api/v1/images/${image}`, {}],
      [`/api/v1/images/${image}/content`, {}],
      [`/api/v1/images/${image}`, { method: 'DELETE' }],
      ['/api/v1/tasks', submit(image)],
      [`/api/v1/tasks/${task}`, {}],
      [`/api/v1/tasks/${task}/events`, {}],
      [`/api/v1/tasks/${task}/outputs/default`, {}],
      [`/api/v1/tasks/${task}/cancel`, { method: 'POST' }],
      [`/api/v1/tasks/${task}`, { method: 'DELETE' }],
    ] as const) {
      const theirs = await gateway.refusal(bob(path, init))
      expect([path, theirs.status]).toEqual([path, 404])
    }
    expect(await (await bob('/api/v1/tasks')).json()).toEqual({ items: [], next: null })
    expect(await (await ann('/api/v1/tasks')).json()).toMatchObject({
      items: [{ id: task, status: 'queued' }],
    })
  })
})

describe('health', () => {
  test('is complete', async () => {
    const view = await (await gateway.call('/health/')).json()
    expect(view).toMatchObject({
      status: 'ok',
      checks: { broker: { ok: true, roundTripMs: expect.any(Number) }, taskList: { ok: true, lagEvents: 0 } },
      load: { watchers: 0 },
    })
    expect((await gateway.call('/health')).status).toBe(200)
  })
})

describe('the page', () => {
  test('is compressed, has security headers, and is cached by its hashed name', async () => {
    const index = await gateway.call('/')
    expect(index.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(index.headers.get('cache-control')).toBe('no-cache')
    const html = await index.text()
    const asset = /src="(\/assets\/main-[^"]+\.js)"/.exec(html)?.[1] ?? ''
    for (const coding of ['br', 'gzip', 'identity']) {
      const script = await gateway.call(asset, { headers: { 'accept-encoding': coding } })
      expect(script.headers.get('content-encoding')).toBe(coding === 'identity' ? null : coding)
      expect(script.headers.get('content-type')).toContain('javascript')
      expect(script.headers.get('cache-control')).toContain('immutable')
      expect((await script.text()).length).toBeGreaterThan(1000)
    }
    const etag = index.headers.get('etag') ?? ''
    expect((await gateway.call('/', { headers: { 'if-none-match': etag } })).status).toBe(304)
  })
})

describe('the API documents', () => {
  test('load nothing from other hosts', async () => {
    const html = await (await gateway.call('/docs')).text()
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((found) => found[1] ?? '')
    expect(links.length).toBeGreaterThan(2)
    for (const link of links) {
      expect(link).toStartWith('/')
      expect([link, (await gateway.call(link)).status]).toEqual([link, 200])
    }
    expect(html).not.toMatch(/https?:/)
  })

  test('list every error code', async () => {
    const html = await (await gateway.call('/docs/problems')).text()
    for (const code of Object.keys(faults)) expect(html).toContain(`id="${code}"`)
  })
})

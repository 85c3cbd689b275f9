import { describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { Code, ConnectError } from '@connectrpc/connect'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { readConfig } from '../../config.ts'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { webClient, webProtocols } from '../../testing/web-client.ts'

const app = 'https://app.example'
const foreign = 'https://evil.example'
let gateway: TestGateway
useFixture(
  () => openTestGateway({ env: { PIXELFLOW_CORS_ORIGINS: `${app}, http://localhost:8080` } }),
  (opened) => (gateway = opened),
)

/** Request headers that need no preflight (CORS-safelisted), and the media types that `content-type` may have then. */
const safelisted = new Set(['accept', 'accept-language', 'content-language', 'content-type'])
const safelistedTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']
/** Response headers that a script can read without `access-control-expose-headers`. */
const readable = new Set(['cache-control', 'content-language', 'content-length', 'content-type', 'expires'])

/**
 * `fetch` of a browser for a page of another origin: sends a preflight request where the standard requires it, and the
 * headers of a browser, and hides response headers that are not exposed. @throws TypeError as a browser does.
 */
function fetchFrom(origin: string, base = gateway.url) {
  return async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { href } = new URL(input instanceof Request ? input.url : input, base)
    const request = new Request(href, init)
    const type = request.headers.get('content-type')?.split(';', 1)[0] ?? ''
    const unsafe = [...request.headers.keys()].filter(
      (name) =>
        !safelisted.has(name) || (name === 'content-type' && type !== '' && !safelistedTypes.includes(type)),
    )
    const site = { origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    if (!['GET', 'HEAD', 'POST'].includes(request.method) || unsafe.length > 0) {
      const preflight = await fetch(request.url, {
        method: 'OPTIONS',
        headers: {
          ...site,
          'access-control-request-method': request.method,
          'access-control-request-headers': unsafe.sort().join(','),
        },
      })
      const listOf = (name: string) =>
        (preflight.headers.get(name) ?? '').split(',').map((one) => one.trim().toLowerCase())
      if (!preflight.ok) throw new TypeError(`the preflight request got ${preflight.status}`)
      requireOrigin(preflight, origin)
      const methods = ['get', 'head', 'post', ...listOf('access-control-allow-methods')]
      if (!methods.includes(request.method.toLowerCase()))
        throw new TypeError(`method not allowed: ${request.method}`)
      const allowed = listOf('access-control-allow-headers')
      const refused = unsafe.filter((name) => !allowed.includes(name))
      if (refused.length > 0) throw new TypeError(`headers not allowed: ${refused.join()}`)
    }
    const headers = new Headers(request.headers)
    for (const [name, value] of Object.entries(site)) headers.set(name, value)
    const answer = await fetch(new Request(request, { headers }))
    requireOrigin(answer, origin)
    const exposed = (answer.headers.get('access-control-expose-headers') ?? '').toLowerCase().split(', ')
    const seen = [...answer.headers].filter(([name]) => readable.has(name) || exposed.includes(name))
    return new Response(answer.body, { status: answer.status, headers: seen })
  }
}

function requireOrigin(answer: Response, origin: string): void {
  const allowed = answer.headers.get('access-control-allow-origin')
  if (allowed !== '*' && allowed !== origin) throw new TypeError(`not for ${origin}: ${allowed}`)
}

describe('a page of an allowed origin', () => {
  test('can use every REST route', async () => {
    const page = fetchFrom(app)
    const made = await page('/api/v1/images', {
      method: 'POST',
      body: new Uint8Array(await sampleImage({ width: 30, height: 20 })),
      headers: { 'content-type': 'image/jpeg', 'x-request-id': 'mine' },
    })
    expect(made.status).toBe(201)
    expect(made.headers.get('x-request-id')).toBe('mine')
    const image = made.headers.get('location') ?? ''
    const id = image.slice(image.lastIndexOf('/') + 1)
    const part = await page(`${image}/content`, { headers: { range: 'bytes=0-9' } })
    expect([part.status, part.headers.get('content-range')?.slice(0, 9)]).toEqual([206, 'bytes 0-9'])
    expect(part.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/)

    const task = await page('/api/v1/tasks', {
      method: 'POST',
      body: JSON.stringify({ image: id, recipe: 'resize:10' }),
      headers: { 'content-type': 'application/json' },
    })
    const path = task.headers.get('location') ?? ''
    const events = await page(`${path}/events`, { headers: { 'last-event-id': '' } })
    expect(events.headers.get('content-type')).toContain('text/event-stream')
    await events.body?.cancel()
    expect((await page(path, { method: 'DELETE' })).status).toBe(204)
    // It can read errors, too.
    const refused = await page('/api/v1/tasks/none')
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      404,
      'task_not_found',
    ])
    expect((await page('/no/such/path')).status).toBe(404)
  })

  test.each(webProtocols)('can call over %s', async (protocol) => {
    const client = webClient(ImageService, protocol, gateway, fetchFrom(app) as typeof fetch)
    expect(await client.getVersion({}, { timeoutMs: 5000 })).toMatchObject({ version: '0.1.0' })
    const error = await client.getTask({ id: 'none' }).catch((thrown: unknown) => ConnectError.from(thrown))
    expect(error).toMatchObject({ code: Code.NotFound })
    expect((error as ConnectError).details).not.toEqual([])
  })

  test('gets its own origin in the response', async () => {
    const asked = await gateway.call('/api/v1/settings', { headers: { origin: 'http://localhost:8080' } })
    expect(asked.headers.get('access-control-allow-origin')).toBe('http://localhost:8080')
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull()
    expect(asked.headers.get('vary')).toContain('Origin')
    const plain = await gateway.call('/api/v1/settings')
    expect(plain.headers.get('vary')).toContain('Origin')
    expect(plain.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('can be public while this server is in a private network', async () => {
    const asked = await gateway.call('/api/v1/tasks', {
      method: 'OPTIONS',
      headers: {
        origin: app,
        'access-control-request-method': 'POST',
        'access-control-request-private-network': 'true',
      },
    })
    expect([asked.status, asked.headers.get('access-control-allow-private-network')]).toEqual([204, 'true'])
    expect(asked.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST')
  })
})

describe('a page of another origin', () => {
  test.each([foreign, 'null', 'https://app.example.evil.example', 'http://app.example', `${app}:8443`])(
    '%s is refused',
    async (origin) => {
      const page = fetchFrom(origin)
      await expect(page('/api/v1/settings')).rejects.toThrow('not for')
      await expect(page('/api/v1/tasks', { method: 'DELETE' })).rejects.toThrow(
        'the preflight request got 405',
      )
      const simpleRequest = await gateway.call('/api/v1/tasks', {
        method: 'POST',
        headers: { origin, 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' },
      })
      expect(simpleRequest.status).toBe(403)
    },
  )

  test('is refused without an Origin header, too', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    expect((await gateway.call('/api/v1/tasks', { headers })).status).toBe(403)
  })

  test('is refused without allowed origins', async () => {
    await using plain = await openTestGateway()
    const asked = await plain.call('/api/v1/tasks', {
      method: 'OPTIONS',
      headers: { origin: app, 'access-control-request-method': 'POST' },
    })
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null])
    expect((await plain.call('/api/v1/settings')).headers.get('vary')).toBe('Accept-Encoding')
  }, 30_000)
})

describe('with every origin allowed', () => {
  const tokens = { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' }
  test('a page can call with a token', async () => {
    await using open = await openTestGateway({ env: { ...tokens, PIXELFLOW_CORS_ORIGINS: '*' } })
    const page = fetchFrom(foreign, open.url)
    expect((await page('/api/v1/tasks')).status).toBe(401)
    const headers = { authorization: 'Bearer secret-of-ann' }
    const answer = await page('/api/v1/tasks', { headers })
    expect(answer.status).toBe(200)
    const bare = await open.call('/api/v1/tasks', { headers: { ...headers, origin: foreign } })
    expect(bare.headers.get('access-control-allow-origin')).toBe('*')
    expect(bare.headers.get('vary') ?? '').not.toContain('Origin')
  }, 30_000)

  test('the configuration is refused without tokens', () => {
    expect(() => readConfig({ PIXELFLOW_CORS_ORIGINS: '*' })).toThrow('PIXELFLOW_CORS_ORIGINS')
    expect(() => readConfig({ PIXELFLOW_CORS_ORIGINS: 'app.example' })).toThrow('an origin such as')
    expect(() => readConfig({ PIXELFLOW_CORS_ORIGINS: `${app}/` })).toThrow('an origin such as')
    expect(readConfig({ ...tokens, PIXELFLOW_CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*'])
  })
})

import { describe, expect, test } from 'bun:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { sampleImage } from '@pixelflow/testkit/images'
import { connectRawClient, type RawHeaders, type RawResponse } from '../../testing/raw-client.ts'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'

let gateway: TestGateway
let image: string
useFixture(openTestGateway, async (opened) => {
  gateway = opened
  ;({ id: image } = await gateway.image(await sampleImage()))
  for (let i = 0; i < 8; i += 1) await gateway.submit(image)
})

/** A GET or HEAD as exact bytes, because HTTP clients add their own Accept-Encoding and decode the body. */
async function get(path: string, headers: RawHeaders = {}, method = 'GET'): Promise<RawResponse> {
  using client = await connectRawClient(gateway.url)
  await client.sendHead(method, path, { ...headers, Connection: 'close' })
  return await client.response()
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  gzip: gunzipSync,
}

function decode({ headers, body }: RawResponse): string {
  const coding = headers.get('content-encoding')
  return (coding === undefined ? body : (decoders[coding]?.(body) ?? Buffer.alloc(0))).toString()
}

const constant = ['/api/v1/operations', '/api/v1/settings', '/api/v1/operations/resize']
const documents = ['/', '/docs', '/docs/problems', '/api/v1/openapi.json', ...constant]
const current = ['/api/v1/tasks?limit=8', '/metrics']

describe.each([...documents, ...current])('%s', (path) => {
  test.each(['br', 'zstd', 'gzip'])('accepts %s', async (coding) => {
    const plain = await get(path)
    expect([plain.status, plain.headers.get('content-encoding')]).toEqual([200, undefined])
    const response = await get(path, { 'Accept-Encoding': coding })
    expect(response.headers.get('vary')).toContain('Accept-Encoding')
    expect(response.headers.get('content-type')).toBe(plain.headers.get('content-type') ?? '')
    // Documents have the codings of their files, other texts those that cost little.
    const exists = documents.includes(path) ? coding !== 'zstd' : coding !== 'br'
    expect(response.headers.get('content-encoding')).toBe(exists ? coding : undefined)
    if (path === '/metrics') expect(decode(response)).toContain('# TYPE')
    else expect(decode(response)).toBe(plain.body.toString())
    if (exists) expect(response.body.length).toBeLessThan(plain.body.length)
  })

  test('has the same headers for HEAD, and no body', async () => {
    if (path === '/metrics') return expect((await get(path, {}, 'HEAD')).status).toBe(200)
    for (const coding of ['identity', 'gzip']) {
      const headersOf = async (method: string) => {
        const { headers, body } = await get(
          path,
          { 'Accept-Encoding': coding, 'X-Request-Id': 'one' },
          method,
        )
        if (method === 'HEAD') expect(body.length).toBe(0)
        return Object.fromEntries([...headers].filter(([name]) => name !== 'date'))
      }
      expect(await headersOf('HEAD')).toEqual(await headersOf('GET'))
    }
  })

  test('is compressed for a client that refuses other bodies', async () => {
    const response = await get(path, { 'Accept-Encoding': 'gzip;q=0.1, identity;q=0' })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const preferred = await get(path, { 'Accept-Encoding': 'gzip;q=0.1, identity' })
    expect(preferred.headers.get('content-encoding')).toBeUndefined()
  })
})

describe('a document', () => {
  test.each(documents)('%s is not sent again to a client that has it in this coding', async (path) => {
    const tags = new Set<string>()
    for (const coding of ['identity', 'gzip', 'br']) {
      const tag = (await get(path, { 'Accept-Encoding': coding })).headers.get('etag') ?? ''
      expect(tag).toStartWith('"')
      tags.add(tag)
      for (const method of ['GET', 'HEAD']) {
        const again = await get(path, { 'Accept-Encoding': coding, 'If-None-Match': `"x", W/${tag}` }, method)
        expect([again.status, again.body.length, again.headers.get('etag')]).toEqual([304, 0, tag])
        expect(again.headers.get('vary')).toContain('Accept-Encoding')
      }
    }
    expect(tags.size).toBe(3)
    const [plain = ''] = tags
    const other = await get(path, { 'Accept-Encoding': 'gzip', 'If-None-Match': plain })
    expect(other.status).toBe(200)
  })

  test('of the catalogue is a tenth of its size', async () => {
    const plain = await get('/api/v1/operations')
    const { body } = await get('/api/v1/operations', { 'Accept-Encoding': 'gzip, deflate, br, zstd' })
    expect(body.length).toBeLessThan(plain.body.length / 10)
  })
})

describe('no coding', () => {
  const everything = { 'Accept-Encoding': 'gzip, deflate, br, zstd' }

  test('for images and their ranges', async () => {
    const path = `/api/v1/images/${image}/content`
    const whole = await get(path, everything)
    expect([whole.status, whole.headers.get('content-encoding')]).toEqual([200, undefined])
    const range = await get(path, { ...everything, Range: 'bytes=0-1999' })
    expect([range.status, range.headers.get('content-encoding'), range.body.length]).toEqual([
      206,
      undefined,
      Math.min(2000, whole.body.length),
    ])
  })

  test('for event streams', async () => {
    const task = await gateway.submit(image)
    await gateway.cancelTask(task.id)
    const stream = await get(`/api/v1/tasks/${task.id}/events`, everything)
    expect([stream.status, stream.headers.get('content-encoding')]).toEqual([200, undefined])
    expect(stream.body.toString()).toContain('event: cancelled')
  })

  test('for short texts and problems', async () => {
    for (const path of ['/health/live', `/api/v1/images/${image}`, '/nothing'])
      expect((await get(path, everything)).headers.get('content-encoding')).toBeUndefined()
  })
})

test('a long text without coding is complete', async () => {
  for (let i = 0; i < 40; i += 1) await gateway.submit(image)
  const response = await fetch(new URL('/api/v1/tasks', gateway.url), {
    headers: { 'accept-encoding': 'identity' },
  })
  const text = await response.text()
  expect(text.length).toBeGreaterThan(16 * 1024)
  expect((JSON.parse(text) as { items: unknown[] }).items.length).toBeGreaterThan(24)
  expect(response.headers.get('content-encoding')).toBeNull()
  const compressed = await get('/api/v1/tasks', { 'Accept-Encoding': 'gzip' })
  expect(decode(compressed)).toBe(text)
})

test('curl decodes every text', async () => {
  for (const path of [...documents, ...current]) {
    const child = Bun.spawn(['curl', '--silent', '--fail', '--compressed', new URL(path, gateway.url).href], {
      stdout: 'pipe',
    })
    const text = await child.stdout.text()
    expect([path, await child.exited]).toEqual([path, 0])
    if (path !== '/metrics') expect(text).toBe((await get(path)).body.toString())
  }
})

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const MiB = 2 ** 20

let gateway: TestGateway
let small: { path: string; bytes: Uint8Array; etag: string }
let large: typeof small

beforeAll(async () => {
  gateway = await openTestGateway({ env: { PIXELFLOW_DOWNLOAD_SPOOL: '64MiB' } })
  const photo = await sampleImage({ width: 300, height: 200 })
  // The header of a TIFF, and enough bytes for the disk spool.
  const long = new Uint8Array(30 * MiB).map((_, at) => (at * 31 + (at >> 11)) & 255)
  long.set([0x49, 0x49, 0x2a, 0, 0xf0, 0xff, 0xff, 0xff])
  const put = async (bytes: Uint8Array) => {
    const { id, sha256 } = await gateway.image(bytes)
    return { path: `/api/v1/images/${id}/content`, bytes, etag: `"${sha256}"` }
  }
  small = await put(photo)
  large = await put(long)
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

const spooled = () => readdir(join(gateway.dataDir, 'gateway', 'spool'))
const waitForSpooled = (count: number) =>
  waitFor(`${count} files in the spool`, spooled, ({ length }) => length === count)
const send = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
  using client = await connectRawClient(gateway.url)
  await client.sendHead(method, path, headers)
  if (method === 'GET') return await client.response()
  await waitFor('response', () => client.socket.bytesRead)
  client.socket.end()
  return await client.response()
}

describe.each([
  ['small', () => small],
  ['large', () => large],
])('stored content, %s', (_, which) => {
  test('is sent with length, media type and ETag', async () => {
    const { path, bytes, etag } = which()
    const { status, headers, body } = await send(path)
    expect(status).toBe(200)
    expect(headers.get('content-length')).toBe(String(bytes.length))
    expect(headers.get('transfer-encoding')).toBeUndefined()
    expect(headers.get('etag')).toBe(etag)
    expect(headers.get('content-type')).toMatch(/^image\/(jpeg|tiff)$/)
    expect(headers.get('content-disposition')).toMatch(/^inline; filename="[0-9a-f-]{36}\.(jpg|tif)"$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('cache-control')).toContain('private')
    expect(Buffer.compare(body, bytes)).toBe(0)
  })

  test('has its length in the response to HEAD', async () => {
    const { path, bytes, etag } = which()
    const { status, headers, body } = await send(path, {}, 'HEAD')
    expect([status, headers.get('content-length'), headers.get('etag'), body.length]).toEqual([
      200,
      String(bytes.length),
      etag,
      0,
    ])
    // The file of the previous download may not be deleted yet.
    await waitForSpooled(0)
  })

  test('is sent as a range', async () => {
    const { path, bytes, etag } = which()
    const half = bytes.length >> 1
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      [`bytes=100-${half}`, 100, half + 1],
      [`bytes=${half}-`, half, bytes.length],
      ['bytes=-77', bytes.length - 77, bytes.length],
    ] as const) {
      const { status, headers, body } = await send(path, { Range: range, 'If-Range': etag })
      expect(status).toBe(206)
      expect(headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${bytes.length}`)
      expect(headers.get('content-length')).toBe(String(end - start))
      expect(Buffer.compare(body, bytes.subarray(start, end))).toBe(0)
    }
  })

  test('is not sent when a condition fails', async () => {
    const { path, bytes, etag } = which()
    const known = await send(path, { 'If-None-Match': `"other", ${etag}` }, 'HEAD')
    expect([known.status, known.headers.get('etag')]).toEqual([304, etag])
    expect((await gateway.call(path, { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect(await gateway.refusal(gateway.call(path, { headers: { 'if-match': '"other"' } }))).toMatchObject({
      status: 412,
      code: 'precondition_failed',
    })
    const outside = await gateway.call(path, { headers: { range: `bytes=${bytes.length}-` } })
    expect(outside.headers.get('content-range')).toBe(`bytes */${bytes.length}`)
    expect(await gateway.refusal(outside)).toMatchObject({ status: 416, code: 'range_not_satisfiable' })
    const other = await gateway.call(path, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } })
    expect([other.status, (await other.bytes()).length]).toEqual([200, bytes.length])
  })

  test('is compared weakly with If-None-Match and strongly with If-Match', async () => {
    const { path, etag } = which()
    const statusOf = async (header: string, value: string) => {
      const answer = await gateway.call(path, { headers: { [header]: value } })
      await answer.bytes()
      return answer.status
    }
    for (const value of [`W/${etag}`, `"x", W/${etag}`, etag, '*'])
      expect([value, await statusOf('if-none-match', value)]).toEqual([value, 304])
    for (const value of [`W/${etag}`, `"x", W/${etag}`, '', etag.slice(1, -1)])
      expect([value, await statusOf('if-match', value)]).toEqual([value, 412])
    for (const value of [etag, `W/"x", ${etag}`, '*'])
      expect([value, await statusOf('if-match', value)]).toEqual([value, 200])
  })

  test('is sent as an attachment for ?download=1', async () => {
    const { headers } = await gateway.call(`${which().path}?download=1`, { method: 'HEAD' })
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename=/)
  })
})

describe('large downloads', () => {
  test('delete their file, also when the client disconnects', async () => {
    // The files of the previous downloads may not be deleted yet.
    await waitForSpooled(0)
    using client = await connectRawClient(gateway.url)
    client.socket.pause()
    await client.sendHead('GET', large.path)
    await waitForSpooled(1)
    await stays('the file is kept for the client', async () => (await spooled()).length === 1, 200)
    client.socket.destroy()
    await waitForSpooled(0)
  })

  test('share a bounded spool and wait while it is full', async () => {
    const readers = await Promise.all(Array.from({ length: 4 }, () => connectRawClient(gateway.url)))
    using all = new DisposableStack()
    for (const one of readers) {
      all.use(one)
      one.socket.pause()
      await one.sendHead('GET', large.path)
    }
    await waitForSpooled(2)
    await stays('the spool holds two files', async () => (await spooled()).length === 2, 200)
    for (const one of readers) one.socket.resume()
    for (const one of readers) {
      const { body } = await one.response(20_000)
      expect(Buffer.compare(body, large.bytes)).toBe(0)
    }
    await waitForSpooled(0)
  }, 30_000)

  test('continue for a reader slower than the idle timeout', async () => {
    // The idle timeout of the server is one minute; the send tracker renews it at once and every ten seconds.
    using client = await connectRawClient(gateway.url)
    client.socket.pause()
    await client.sendHead('GET', large.path)
    // The pause itself is what the test needs.
    await Bun.sleep(2500)
    client.socket.resume()
    expect((await client.response(20_000)).body.length).toBe(large.bytes.length)
  }, 30_000)
})

test('a client that disconnects while its download waits is not logged as an error', async () => {
  const clients = await Promise.all(Array.from({ length: 4 }, () => connectRawClient(gateway.url)))
  for (const { socket, sendHead } of clients) {
    socket.pause()
    await sendHead('GET', large.path)
  }
  await waitForSpooled(2)
  for (const { socket } of clients) socket.destroy()
  await waitFor('cancellation logged', () => gateway.logs.find(({ code }) => code === 'cancelled'))
  expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
  await waitForSpooled(0)
}, 20_000)

import { afterEach, describe, expect, test } from 'bun:test'
import { openHttp } from '../index.ts'
import { sha256Of, catchError } from '../testing/client-pair.ts'

/** Downloads over connections that break. */

const stored = crypto.getRandomValues(new Uint8Array(50_000))
const from = { image: 'i' }

let scope = new DisposableStack()
afterEach(() => {
  scope.dispose()
  scope = new DisposableStack()
})

/** One request that the server has received. */
interface RangeRequest {
  readonly connection: number
  /** Offset of the first requested byte. */
  readonly offset: number
  readonly end: number
  /** Resolves when the client has read the first bytes of the response. */
  readonly received: Promise<void>
}

/** Serves ranges of the bytes; `answer` can replace the response of each connection. */
function serve(answer: (request: RangeRequest, respond: () => Response) => Response, bytes = stored) {
  const ranges: (string | null)[] = []
  const receivedBy: PromiseWithResolvers<void>[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch({ headers }) {
      const range = headers.get('range')
      ranges.push(range)
      const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
      const offset = Number(first)
      const end = last === '' ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1)
      const respond = () => part(bytes, offset, end, range !== null)
      const received = Promise.withResolvers<void>()
      receivedBy.push(received)
      return answer({ connection: ranges.length - 1, offset, end, received: received.promise }, respond)
    },
  })
  scope.defer(() => void server.stop(true))
  /** Reports the bytes that the client reads, so that a connection is not cut before. */
  const fetchAndReport: typeof fetch = Object.assign(
    async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request)
      const reader = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk)
          receivedBy.at(-1)?.resolve()
        },
      })
      return new Response(response.body?.pipeThrough(reader) ?? null, response)
    },
    { preconnect: fetch.preconnect },
  )
  const client = openHttp({
    url: server.url.href,
    pausesMs: [5, 20],
    fetch: (url, init) => fetchAndReport(url, init),
  })
  return { client, ranges }
}

function part(
  bytes: Uint8Array<ArrayBuffer>,
  offset: number,
  end: number,
  isPart: boolean,
  body?: RequestInit['body'],
) {
  return new Response(body ?? bytes.slice(offset, end + 1), {
    status: isPart ? 206 : 200,
    headers: {
      etag: `"${sha256Of(bytes)}"`,
      'content-type': 'image/jpeg',
      'content-length': String(end + 1 - offset),
      ...(isPart ? { 'content-range': `bytes ${offset}-${end}/${bytes.length}` } : {}),
    },
  })
}

/** Sends `after` bytes and breaks the connection when the client has read them. */
function cut(
  bytes: Uint8Array<ArrayBuffer>,
  { offset, end, received }: RangeRequest,
  after: number,
): Response {
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.slice(offset, offset + after))
      await received
      controller.error(new Error('cut'))
    },
  })
  return part(bytes, offset, end, true, body)
}

const readBody = async (body: ReadableStream<Uint8Array>) =>
  new Uint8Array(await new Response(body).arrayBuffer())

describe('a download', () => {
  test('resumes at the last byte after each broken connection', async () => {
    const { client, ranges } = serve((request, respond) =>
      request.connection < 3 ? cut(stored, request, 10_000) : respond(),
    )
    const { body, bytes, sha256 } = await client.download(from)
    expect([bytes, sha256]).toEqual([stored.length, sha256Of(stored)])
    expect(await readBody(body)).toEqual(stored)
    expect(ranges).toEqual(['bytes=0-', 'bytes=10000-49999', 'bytes=20000-49999', 'bytes=30000-49999'])
  })

  test('of a range resumes up to the end of the range', async () => {
    const { client, ranges } = serve((request, respond) =>
      request.connection === 0 ? cut(stored, request, 100) : respond(),
    )
    const { body, offset, length } = await client.download(from, { offset: 1000, length: 500 })
    expect([offset, length]).toEqual([1000, 500])
    expect(await readBody(body)).toEqual(stored.slice(1000, 1500))
    expect(ranges).toEqual(['bytes=1000-1499', 'bytes=1100-1499'])
  })

  test('fails if the file changes between connections', async () => {
    const changedFile = crypto.getRandomValues(new Uint8Array(stored.length))
    const { client } = serve((request) =>
      request.connection === 0
        ? cut(stored, request, 100)
        : part(changedFile, request.offset, request.end, true),
    )
    const { body } = await client.download(from)
    expect(await catchError(readBody(body))).toMatchObject({ code: 'damaged' })
  })

  test('fails after several connections without data', async () => {
    const { client, ranges } = serve((request) =>
      request.connection === 0 ? cut(stored, request, 100) : new Response('no', { status: 503 }),
    )
    const { body } = await client.download(from)
    expect(await catchError(readBody(body))).toMatchObject({ code: 'unavailable' })
    expect(ranges).toHaveLength(5)
  })

  test('fails if the ETag or the range is missing from the response', async () => {
    const { client } = serve(() => new Response(stored))
    const { client: chunked } = serve(
      () => new Response(new Blob([stored]).stream(), { headers: { etag: '"x"' } }),
    )
    expect(await catchError(chunked.download(from))).toMatchObject({ code: 'not_pixelflow' })
    expect(await catchError(client.download(from))).toMatchObject({ code: 'not_pixelflow' })
  })

  test('ends when its signal aborts, and closes the connection when the reader cancels', async () => {
    const cancelled = Promise.withResolvers<void>()
    const { client } = serve(({ offset, end }) => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(stored.slice(0, 100)),
        cancel: () => cancelled.resolve(),
      })
      return part(stored, offset, end, true, body)
    })
    const stop = new AbortController()
    const reason = new Error('enough')
    const reading = readBody((await client.download(from, { signal: stop.signal })).body)
    setTimeout(() => stop.abort(reason), 20)
    await expect(reading).rejects.toBe(reason)
    await (await client.download(from)).body.cancel()
    await cancelled.promise
  })
})

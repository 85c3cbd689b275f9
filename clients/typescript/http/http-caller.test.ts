import { afterEach, describe, expect, test } from 'bun:test'
import { openHttp, type HttpOptions } from '../index.ts'
import { catchError } from '../testing/client-pair.ts'

/** Calls to a server that is unavailable, rejects the token, or is not a PixelFlow server. */

let scope = new DisposableStack()
afterEach(() => {
  scope.dispose()
  scope = new DisposableStack()
})

const task = { id: 't', status: 'queued' }

function serve(
  answer: (call: number, request: Request) => Response | Promise<Response>,
  options: HttpOptions = {},
) {
  const calls: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      calls.push(`${request.method} ${new URL(request.url).pathname}`)
      return answer(calls.length - 1, request)
    },
  })
  scope.defer(() => void server.stop(true))
  return { client: openHttp({ url: server.url.href, pausesMs: [5, 20], ...options }), calls }
}

const emptyResponse = (status: number, headers: Record<string, string> = {}) =>
  new Response('', { status, headers })

describe('a call', () => {
  test.each([502, 503, 429])('that is idempotent is retried after %i', async (status) => {
    const { client, calls } = serve((call) => (call < 2 ? emptyResponse(status) : Response.json(task)))
    expect(await client.task('t')).toMatchObject(task)
    expect(calls).toEqual(['GET /api/v1/tasks/t', 'GET /api/v1/tasks/t', 'GET /api/v1/tasks/t'])
  })

  test('throws the last error when its retries are used up', async () => {
    const problem = { code: 'unavailable', detail: 'Not now.', requestId: 'r-1' }
    const { client, calls } = serve(() => Response.json(problem, { status: 503 }))
    expect(await catchError(client.cancel('t'))).toMatchObject({ ...problem, status: 503, isTemporary: true })
    expect(calls).toHaveLength(4)
  })

  test.each([
    ['createTask', 503, 1],
    ['upload', 503, 1],
    ['task', 500, 1],
    ['task', 404, 1],
    ['task', 504, 1],
  ] as const)('%s is not retried after %i', async (name, status, tries) => {
    const { client, calls } = serve(() => emptyResponse(status))
    const startCall = {
      createTask: () => client.createTask('i', 'blur'),
      upload: () => client.upload(new Uint8Array(10)),
      task: () => client.task('t'),
    }
    expect(await catchError(startCall[name]())).toMatchObject({ status })
    expect(calls).toHaveLength(tries)
  })

  test('that creates a resource is retried with its idempotency key', async () => {
    const keys: (string | null)[] = []
    const { client } = serve((call, { headers }) => {
      keys.push(headers.get('idempotency-key'))
      if (call % 2 === 0) return Response.json({ code: 'idempotency_key_in_use' }, { status: 409 })
      return Response.json({ ...task, sha256: '' }, { status: 201 })
    })
    await client.createTask('i', 'blur', { idempotencyKey: 'a' })
    await client.upload(new Uint8Array(10), { idempotencyKey: 'b' })
    const stream = new Blob(['x']).stream()
    expect(await catchError(client.upload(stream, { idempotencyKey: 'c' }))).toMatchObject({ status: 409 })
    expect(keys).toEqual(['a', 'a', 'b', 'b', 'c'])
  })

  test('respects Retry-After, and fails at once if it is too long', async () => {
    const { client } = serve((call) =>
      call === 0 ? emptyResponse(503, { 'retry-after': '1' }) : Response.json(task),
    )
    const startMs = performance.now()
    await client.task('t')
    expect(performance.now() - startMs).toBeGreaterThan(990)
    const { client: other } = serve(() => emptyResponse(503, { 'retry-after': '3600' }))
    expect(await catchError(other.task('t'))).toMatchObject({ retryAfterMs: 3_600_000 })
  })

  test('has one timeout for all tries', async () => {
    const { client } = serve(() => emptyResponse(503), { pausesMs: [1000, 1000] })
    expect(await catchError(client.task('t', { timeoutMs: 50 }))).toMatchObject({ code: 'deadline_exceeded' })
    const { client: slow } = serve(async () => {
      // A server that is slower than the timeout.
      await Bun.sleep(500)
      return Response.json(task)
    })
    expect(await catchError(slow.task('t', { timeoutMs: 50 }))).toMatchObject({ code: 'deadline_exceeded' })
  })

  test('ends when the signal of its client aborts', async () => {
    const closing = new AbortController()
    const { client } = serve(() => new Promise<Response>(() => {}), { signal: closing.signal })
    const reason = new Error('closing')
    setTimeout(() => closing.abort(reason), 20)
    await expect(client.task('t')).rejects.toBe(reason)
    await expect(client.upload(new Uint8Array(3))).rejects.toBe(reason)
  })

  test('to a server other than PixelFlow fails with not_pixelflow', async () => {
    for (const body of ['<html>', '[]', '"text"', 'null', '{"other": 1}']) {
      const { client } = serve(() => new Response(body))
      expect(await catchError(client.task('t'))).toMatchObject({ code: 'not_pixelflow' })
    }
  })
})

test('concurrent calls with a rejected token request a new one once', async () => {
  const seen: string[] = []
  let token: string | null = 'old'
  let requests = 0
  const requestToken = async () => {
    requests += 1
    // Long enough for the second call to be rejected while the first one waits for the token.
    await Bun.sleep(10)
    return (token = 'new')
  }
  let pending: Promise<string> | undefined
  const credentials = { token: () => token, ask: () => (pending ??= requestToken()) }
  const { client } = serve(
    (_, request) => {
      const authorization = request.headers.get('authorization') ?? ''
      seen.push(authorization)
      return authorization === 'Bearer new' ? Response.json(task) : Response.json({}, { status: 401 })
    },
    { token: credentials },
  )
  await Promise.all([client.task('a'), client.task('b')])
  expect(requests).toBe(1)
  expect(seen.toSorted()).toEqual(['Bearer new', 'Bearer new', 'Bearer old', 'Bearer old'])
})

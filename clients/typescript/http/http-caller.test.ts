import { afterEach, describe, expect, test } from 'bun:test'
import { openHttp, type HttpOptions } from '../index.ts'
import { rejection } from '../testing/client-pair.ts'

/** Calls to a server that is unavailable, rejects the token, or is not a PixelFlow server. */

let scope = new DisposableStack()
afterEach(() => {
  scope.dispose()
  scope = new DisposableStack()
})

const task = { id: 't', status: 'queued' }

function site(
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

const unwell = (status: number, headers: Record<string, string> = {}) => new Response('', { status, headers })

describe('a call', () => {
  test.each([502, 503, 429])('that is idempotent is retried after %i', async (status) => {
    const { client, calls } = site((call) => (call < 2 ? unwell(status) : Response.json(task)))
    expect(await client.task('t')).toMatchObject(task)
    expect(calls).toEqual(['GET /api/v1/tasks/t', 'GET /api/v1/tasks/t', 'GET /api/v1/tasks/t'])
  })

  test('throws the last error when its retries are used up', async () => {
    const problem = { code: 'unavailable', detail: 'Not now.', requestId: 'r-1' }
    const { client, calls } = site(() => Response.json(problem, { status: 503 }))
    expect(await rejection(client.cancel('t'))).toMatchObject({ ...problem, status: 503, isTemporary: true })
    expect(calls).toHaveLength(4)
  })

  test.each([
    ['createTask', 503, 1],
    ['upload', 503, 1],
    ['task', 500, 1],
    ['task', 404, 1],
    ['task', 504, 1],
  ] as const)('%s is not retried after %i', async (name, status, tries) => {
    const { client, calls } = site(() => unwell(status))
    const made = {
      createTask: () => client.createTask('i', 'blur'),
      upload: () => client.upload(new Uint8Array(10)),
      task: () => client.task('t'),
    }
    expect(await rejection(made[name]())).toMatchObject({ status })
    expect(calls).toHaveLength(tries)
  })

  test('that creates a resource is retried with its idempotency key', async () => {
    const keys: (string | null)[] = []
    const { client } = site((call, { headers }) => {
      keys.push(headers.get('idempotency-key'))
      if (call % 2 === 0) return Response.json({ code: 'idempotency_key_in_use' }, { status: 409 })
      return Response.json({ ...task, sha256: '' }, { status: 201 })
    })
    await client.createTask('i', 'blur', { idempotencyKey: 'a' })
    await client.upload(new Uint8Array(10), { idempotencyKey: 'b' })
    const stream = new Blob(['x']).stream()
    expect(await rejection(client.upload(stream, { idempotencyKey: 'c' }))).toMatchObject({ status: 409 })
    expect(keys).toEqual(['a', 'a', 'b', 'b', 'c'])
  })

  test('respects Retry-After, and fails at once if it is too long', async () => {
    const { client } = site((call) =>
      call === 0 ? unwell(503, { 'retry-after': '1' }) : Response.json(task),
    )
    const began = performance.now()
    await client.task('t')
    expect(performance.now() - began).toBeGreaterThan(990)
    const { client: patient } = site(() => unwell(503, { 'retry-after': '3600' }))
    expect(await rejection(patient.task('t'))).toMatchObject({ retryAfterMs: 3_600_000 })
  })

  test('has one timeout for all tries', async () => {
    const { client } = site(() => unwell(503), { pausesMs: [1000, 1000] })
    expect(await rejection(client.task('t', { timeoutMs: 50 }))).toMatchObject({ code: 'deadline_exceeded' })
    const { client: slow } = site(async () => {
      await Bun.sleep(500)
      return Response.json(task)
    })
    expect(await rejection(slow.task('t', { timeoutMs: 50 }))).toMatchObject({ code: 'deadline_exceeded' })
  })

  test('ends when the signal of its client aborts', async () => {
    const all = new AbortController()
    const { client } = site(() => new Promise<Response>(() => {}), { signal: all.signal })
    const reason = new Error('closing')
    setTimeout(() => all.abort(reason), 20)
    expect(await client.task('t').catch((error: unknown) => error)).toBe(reason)
    expect(await client.upload(new Uint8Array(3)).catch((error: unknown) => error)).toBe(reason)
  })

  test('to a server other than PixelFlow fails with not_pixelflow', async () => {
    for (const body of ['<html>', '[]', '"text"', 'null', '{"other": 1}']) {
      const { client } = site(() => new Response(body))
      expect(await rejection(client.task('t'))).toMatchObject({ code: 'not_pixelflow' })
    }
  })
})

test('concurrent calls with a rejected token request a new one once', async () => {
  const seen: string[] = []
  let token: string | null = 'old'
  let asked = 0
  const ask = async () => {
    asked += 1
    await Bun.sleep(10)
    return (token = 'new')
  }
  const waiting: { promise?: Promise<string> } = {}
  const credentials = { token: () => token, ask: () => (waiting.promise ??= ask()) }
  const { client } = site(
    (_, request) => {
      const shown = request.headers.get('authorization') ?? ''
      seen.push(shown)
      return shown === 'Bearer new' ? Response.json(task) : Response.json({}, { status: 401 })
    },
    { token: credentials },
  )
  await Promise.all([client.task('a'), client.task('b')])
  expect(asked).toBe(1)
  expect(seen.toSorted()).toEqual(['Bearer new', 'Bearer new', 'Bearer old', 'Bearer old'])
})

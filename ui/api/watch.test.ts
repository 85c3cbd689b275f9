import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { createApi, type Api } from './client.ts'
import { CallFailed } from './notice.ts'
import { watchTask } from './watch.ts'

/** What the server does with the nth connection, and what each connection asked for. */
let script: (() => Response)[] = []
let asked: Headers[] = []

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  fetch(request) {
    // A copy: Bun empties a request's headers once it is answered.
    asked.push(new Headers(request.headers))
    const answer = script[asked.length - 1]
    return answer === undefined ? new Response('no more', { status: 500 }) : answer()
  },
})
afterAll(() => server.stop(true))

beforeEach(() => {
  script = []
  asked = []
})

function api(token: string | null = null, answers: (string | null)[] = []): Api {
  let current = token
  return createApi(
    {
      token: () => current,
      ask: async () => (current = answers.shift() ?? null),
    },
    ((path: string, init: RequestInit) => fetch(`${server.url.origin}${path}`, init)) as typeof fetch,
  )
}

const event = (kind: string, id: string, status = 'running') =>
  `event: ${kind}\nid: ${id}\ndata: ${JSON.stringify({ kind, at: '2026-11-21T10:00:00.000Z', task: { id: 't', status } })}\n\n`

const stream = (text: string) => () =>
  new Response(text, { headers: { 'content-type': 'text/event-stream' } })

const silent = (text: string) => () =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  )

async function kinds(options: { silentMs?: number; api?: Api } = {}): Promise<string[]> {
  const stop = new AbortController()
  const found: string[] = []
  const { silentMs = 5_000, api: through = api() } = options
  for await (const one of watchTask(through, 't', { signal: stop.signal, silentMs, retryMs: 5 })) {
    found.push(one.kind)
  }
  return found
}

describe('watchTask', () => {
  test('ends by itself after the final event', async () => {
    script = [stream(event('queued', '1', 'queued') + event('completed', '2', 'completed'))]
    expect(await kinds()).toEqual(['queued', 'completed'])
    expect(asked).toHaveLength(1)
    expect(asked[0]?.get('last-event-id')).toBeNull()
  })

  test('goes on where it stopped, and sees nothing twice', async () => {
    script = [
      stream(event('queued', '1', 'queued') + event('started', '2')),
      () => new Response('starting', { status: 503 }),
      stream(event('started', '2') + event('decoded', '3') + event('failed', '4', 'failed')),
    ]
    expect(await kinds()).toEqual(['queued', 'started', 'decoded', 'failed'])
    expect(asked.map((one) => one.get('last-event-id'))).toEqual([null, '2', '2'])
  })

  test('takes a stream that falls silent for dead', async () => {
    script = [silent(event('queued', '1', 'queued')), stream(event('cancelled', '2', 'cancelled'))]
    expect(await kinds({ silentMs: 50 })).toEqual(['queued', 'cancelled'])
  })

  test('passes over heartbeats', async () => {
    const heartbeat = 'event: heartbeat\ndata: {}\n\n'
    script = [stream(heartbeat + event('queued', '1') + heartbeat + event('completed', '2', 'completed'))]
    expect(await kinds()).toEqual(['queued', 'completed'])
  })

  test('ends when nothing will ever follow', async () => {
    script = [() => new Response(null, { status: 204 })]
    expect(await kinds()).toEqual([])
    expect(asked).toHaveLength(1)
  })

  test('gives up when the server says no for good', async () => {
    script = [
      () =>
        Response.json(
          { code: 'task_not_found', title: 'There is no such task', detail: 'No task t.' },
          { status: 404 },
        ),
    ]
    const failed = await kinds().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(failed).toBeInstanceOf(CallFailed)
    expect((failed as CallFailed).notice.code).toBe('task_not_found')
  })

  test('stops when told to', async () => {
    script = [silent(event('queued', '1', 'queued'))]
    const stop = new AbortController()
    const found: string[] = []
    for await (const one of watchTask(api(), 't', { signal: stop.signal })) {
      found.push(one.kind)
      stop.abort()
    }
    expect(found).toEqual(['queued'])
  })

  test('asks for a token as often as the server refuses one', async () => {
    const refuse = () => Response.json({ code: 'unauthenticated' }, { status: 401 })
    script = [refuse, refuse, stream(event('completed', '1', 'completed'))]
    expect(await kinds({ api: api(null, ['wrong', 'right']) })).toEqual(['completed'])
    expect(asked.map((one) => one.get('authorization'))).toEqual([null, 'Bearer wrong', 'Bearer right'])
  })
})

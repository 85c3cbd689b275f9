import { afterEach, describe, expect, test } from 'bun:test'
import type { EventView } from '@pixelflow/core/views'
import type { EventKind } from '@pixelflow/core/event'
import { freePort } from '@pixelflow/testkit/port'
import { completedEventKinds as kinds } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { Credentials, WatchOptions } from '../index.ts'
import { openHttp } from '../index.ts'

/** Watches a task on a server whose connections break, go silent or are rejected. */

const id = '01936f2e-7c5e-7abc-9def-0123456789ab'
const at = '2026-11-21T12:00:00.000Z'

function view(kind: EventKind, index: number): EventView {
  const status = kind === 'completed' ? 'completed' : index === 0 ? 'queued' : 'running'
  const times = { createdAt: at, updatedAt: at }
  const work = { progress: index * 20, image: id, recipe: { steps: [] }, outputs: [], attempt: 1 }
  const lane = 'interactive'
  return { kind, at, task: { id, status, lane, ...work, ...times } }
}

const sseEvent = (index: number) =>
  `event: ${kinds[index]}\nid: t${index}\ndata: ${JSON.stringify(view(kinds[index] ?? 'queued', index))}\n\n`
const heartbeat = 'event: heartbeat\ndata: {}\n\n'

let scope = new DisposableStack()
afterEach(() => {
  scope.dispose()
  scope = new DisposableStack()
})

type Answer = (connection: number, events: string[], headers: Headers) => Response

/** Serves the events after the requested token; `answer` creates the response of each connection. */
function serve(answer: Answer, port = 0) {
  /** The `Last-Event-ID` of each request. */
  const tokens: (string | null)[] = []
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch({ headers }) {
      const after = headers.get('last-event-id')
      tokens.push(after)
      const from = after === null ? 0 : Number(after.slice(1)) + 1
      return answer(
        tokens.length - 1,
        kinds.map((_, index) => sseEvent(index)).slice(from),
        new Headers(headers),
      )
    },
  })
  scope.defer(() => void server.stop(true))
  return { url: `http://127.0.0.1:${server.port}`, tokens }
}

/** Sends some text and then breaks the connection or sends nothing more. */
function streamResponse(text: string, end: 'breaks' | 'goes silent'): Response {
  return new Response(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode(text))
        // Long enough for the client to receive the text before the connection breaks.
        await Bun.sleep(20)
        if (end === 'breaks') controller.error(new Error('cut'))
      },
    }),
  )
}

async function watchAll(url: string, options: WatchOptions = {}, token: Credentials | string | null = null) {
  const seen: string[] = []
  const pauses = { firstPauseMs: 5, longestPauseMs: 20 }
  for await (const event of openHttp({ url, token }).watch(id, { ...pauses, ...options }))
    seen.push(event.kind)
  return seen
}

describe('watching a task', () => {
  test('yields every event once and ends after the final one', async () => {
    const { url, tokens } = serve((_, events) => new Response(`${heartbeat}${events.join(heartbeat)}`))
    expect(await watchAll(url)).toEqual([...kinds])
    expect(tokens).toEqual([null])
  })

  test('resumes after a broken connection, a closed connection and an unavailable gateway', async () => {
    const states: [string, number][] = []
    const { url, tokens } = serve((connection, events) => {
      if (connection === 0) return streamResponse(events.slice(0, 2).join(''), 'breaks')
      if (connection === 1) return new Response('no', { status: 503 })
      if (connection === 2) return new Response(events.slice(0, 1).join('') + events[1]?.slice(0, 40))
      return new Response(events.join(''))
    })
    expect(await watchAll(url, { onConnection: (...state) => states.push(state) })).toEqual([...kinds])
    expect(tokens).toEqual([null, 't1', 't1', 't2'])
    expect(states).toEqual([
      ['live', 0],
      ['retrying', 1],
      ['retrying', 1],
      ['live', 0],
      ['retrying', 1],
      ['live', 0],
    ])
  })

  test('skips an event that the server repeats', async () => {
    const { url } = serve((connection, events) =>
      connection === 0
        ? new Response(sseEvent(0) + sseEvent(1))
        : new Response(sseEvent(1) + events.join('')),
    )
    expect(await watchAll(url)).toEqual([...kinds])
  })

  test('reconnects when a connection goes silent', async () => {
    const { url, tokens } = serve((connection, events) =>
      connection === 0 ? streamResponse(sseEvent(0), 'goes silent') : new Response(events.join('')),
    )
    expect(await watchAll(url, { silentMs: 60 })).toEqual([...kinds])
    expect(tokens).toEqual([null, 't0'])
  })

  test('starts after a token, and ends when no event can follow', async () => {
    const { url } = serve((_, events) =>
      events.length === 0 ? new Response(null, { status: 204 }) : new Response(events.join('')),
    )
    expect(await watchAll(url, { after: 't3' })).toEqual(['output', 'completed'])
    expect(await watchAll(url, { after: 't5' })).toEqual([])
  })

  test('waits for a server that is temporarily unreachable', async () => {
    const port = await freePort()
    let retries = 0
    const seen = watchAll(`http://127.0.0.1:${port}`, { onConnection: () => (retries += 1) })
    await waitFor('client retries', () => retries)
    serve((_, events) => new Response(events.join('')), port)
    expect(await seen).toEqual([...kinds])
  })

  test('fails if the server remains unreachable', async () => {
    const seen = watchAll(`http://127.0.0.1:${await freePort()}`)
    await expect(seen).rejects.toMatchObject({ code: 'unreachable', status: 0 })
  })

  test('does not retry a permanent error', async () => {
    const problem = {
      type: '/docs/problems#task_not_found',
      title: 'Unknown task',
      status: 404,
      code: 'task_not_found',
      detail: `There is no task ${id}.`,
      requestId: 'r-1',
    }
    const { url, tokens } = serve(() => Response.json(problem, { status: 404 }))
    await expect(watchAll(url)).rejects.toMatchObject({
      code: 'task_not_found',
      status: 404,
      detail: problem.detail,
      requestId: 'r-1',
    })
    expect(tokens).toHaveLength(1)
  })

  test('requests a new token after each rejection', async () => {
    const seen: (string | null)[] = []
    const { url } = serve((connection, events, headers) => {
      seen.push(headers.get('authorization'))
      return connection < 2 ? Response.json({}, { status: 401 }) : new Response(events.join(''))
    })
    const newTokens = ['wrong', 'right']
    let current: string | null = null
    const ask = async () => (current = newTokens.shift() ?? null)
    expect(await watchAll(url, {}, { token: () => current, ask })).toEqual([...kinds])
    expect(seen).toEqual([null, 'Bearer wrong', 'Bearer right'])
  })

  test('fails if the token is rejected and no other is available', async () => {
    const { url } = serve(() => Response.json({}, { status: 401 }))
    await expect(watchAll(url, {}, 'old')).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  })

  test('ends without an error when its signal aborts', async () => {
    const controller = new AbortController()
    const { url } = serve(() => {
      setTimeout(() => controller.abort(), 40)
      return streamResponse(sseEvent(0), 'goes silent')
    })
    expect(await watchAll(url, { signal: controller.signal })).toEqual(['queued'])
  })

  test('closes the connection when the caller leaves the loop', async () => {
    const ended = Promise.withResolvers<void>()
    const { url } = serve(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode(sseEvent(0))),
            cancel: () => ended.resolve(),
          }),
        ),
    )
    for await (const _ of openHttp({ url }).watch(id)) break
    await ended.promise
  })
})

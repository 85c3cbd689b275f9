import { describe, expect, test } from 'bun:test'
import type { EventView } from '@pixelflow/core/api'
import type { EventKind } from '@pixelflow/core/event'
import { freePort } from '@pixelflow/testkit/port'
import { follow } from './follow.ts'
import { openServer } from './server.ts'

/** A server whose connections break, stall and refuse, between the client and the events of one task. */

const id = '01936f2e-7c5e-7abc-9def-0123456789ab'
const at = '2026-11-21T12:00:00.000Z'
const kinds: readonly EventKind[] = ['queued', 'started', 'fetched', 'decoded', 'output', 'completed']

function view(kind: EventKind, index: number): EventView {
  const ended = kind === 'completed'
  return {
    kind,
    at,
    task: {
      id,
      status: ended ? 'completed' : index === 0 ? 'queued' : 'running',
      progress: index * 20,
      image: id,
      recipe: { steps: [] },
      outputs: [],
      attempt: 1,
      createdAt: at,
      updatedAt: at,
    },
  }
}

const wire = (index: number) =>
  `event: ${kinds[index]}\nid: t${index}\ndata: ${JSON.stringify(view(kinds[index] ?? 'queued', index))}\n\n`

/** Serves the events after the token that is asked for; `answer` decides what each connection gets of them. */
function site(answer: (connection: number, events: string[], asked: string | null) => Response, port = 0) {
  const asked: (string | null)[] = []
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    fetch(request) {
      const after = request.headers.get('last-event-id')
      asked.push(after)
      const from = after === null ? 0 : Number(after.slice(1)) + 1
      return answer(asked.length - 1, kinds.map((_, index) => wire(index)).slice(from), after)
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, asked, [Symbol.dispose]: () => void server.stop(true) }
}

/** A body that sends some text and then breaks the connection. */
function broken(text: string): Response {
  return new Response(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode(text))
        await Bun.sleep(20)
        controller.error(new Error('cut'))
      },
    }),
  )
}

async function followAll(url: string, options: { after?: string; signal?: AbortSignal } = {}) {
  const signal = options.signal ?? AbortSignal.timeout(20_000)
  const seen: string[] = []
  for await (const { view: one } of follow(openServer({ url, signal }), id, {
    signal,
    after: options.after,
    backoffMs: [5, 20],
  })) {
    seen.push(one.kind)
  }
  return seen
}

describe('following a task', () => {
  test('gives every event once and ends with the final one', async () => {
    using server = site((_, events) => new Response(`event: heartbeat\ndata: {}\n\n${events.join('')}`))
    expect(await followAll(server.url)).toEqual([...kinds])
    expect(server.asked).toEqual([null])
  })

  test('goes on where a connection broke, was closed, or a gateway was away', async () => {
    using server = site((connection, events) => {
      if (connection === 0) return broken(events.slice(0, 2).join(''))
      if (connection === 1) return new Response('no', { status: 503 })
      if (connection === 2) return new Response(events.slice(0, 1).join('') + events[1]?.slice(0, 40))
      return new Response(events.join(''))
    })
    expect(await followAll(server.url)).toEqual([...kinds])
    expect(server.asked).toEqual([null, 't1', 't1', 't2'])
  })

  test('starts after a token', async () => {
    using server = site((_, events) => new Response(events.join('')))
    expect(await followAll(server.url, { after: 't3' })).toEqual(['output', 'completed'])
  })

  test('survives a server that is away for a while', async () => {
    const port = await freePort()
    const seen = followAll(`http://127.0.0.1:${port}`)
    await Bun.sleep(40)
    using _ = site((_, events) => new Response(events.join('')), port)
    expect(await seen).toEqual([...kinds])
  })

  test('gives up on one that stays away', async () => {
    const error = followAll(`http://127.0.0.1:${await freePort()}`)
    await expect(error).rejects.toMatchObject({ code: 3 })
  })

  test('does not argue with a refusal', async () => {
    const problem = {
      type: '/docs/problems#task_not_found',
      title: 'There is no such task',
      status: 404,
      code: 'task_not_found',
      detail: `There is no task ${id}.`,
      requestId: 'r-1',
    }
    using server = site(() => Response.json(problem, { status: 404 }))
    await expect(followAll(server.url)).rejects.toMatchObject({
      code: 2,
      message: problem.detail,
      requestId: 'r-1',
    })
    expect(server.asked).toHaveLength(1)
  })

  test('a wrong token has an exit code of its own and a remedy', async () => {
    using server = site(() => Response.json({}, { status: 401 }))
    await expect(followAll(server.url)).rejects.toMatchObject({
      code: 4,
      remedy: expect.stringContaining('PIXELFLOW_TOKEN'),
    })
  })

  test('ends at once when it is interrupted', async () => {
    const controller = new AbortController()
    using server = site((_, events) => {
      setTimeout(() => controller.abort(), 50)
      return new Response(
        new ReadableStream({
          start: (stream) => stream.enqueue(new TextEncoder().encode(events.slice(0, 1).join(''))),
        }),
      )
    })
    await expect(followAll(server.url, { signal: controller.signal })).rejects.toMatchObject({ code: 130 })
  })
})

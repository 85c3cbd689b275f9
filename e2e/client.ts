import type { Problem } from '@pixelflow/core/problem'
import type { EventView, ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import type { Lane } from '@pixelflow/core/job'
import { createParser } from 'eventsource-parser'

/** An HTTP client without code of the product: `fetch` and an event-stream parser. */
export function client(baseUrl: string, token?: string) {
  const auth: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const url = (path: string) => new URL(path, baseUrl)

  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(url(path), { ...init, headers: { ...auth, ...(init.headers as Record<string, string>) } })
  }

  async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await call(path, init)
    if (!response.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  return {
    call,
    json,
    upload: (bytes: Uint8Array, type = 'image/jpeg') =>
      json<ImageView>('/api/v1/images', {
        method: 'POST',
        body: bytes as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': type },
      }),
    submit: (image: string, recipe: unknown, lane?: Lane) =>
      json<TaskView>('/api/v1/tasks', {
        method: 'POST',
        body: JSON.stringify({ image, recipe, lane }),
        headers: { 'content-type': 'application/json' },
      }),
    task: (id: string) => json<TaskView>(`/api/v1/tasks/${id}`),
    list: (query = '') => json<TaskPageView>(`/api/v1/tasks${query}`),
    events: (id: string, after?: string, signal?: AbortSignal) => readEvents(call, id, after, signal),
    async output(id: string, name = 'default'): Promise<Uint8Array> {
      const response = await call(`/api/v1/tasks/${id}/outputs/${name}`)
      if (!response.ok) throw new Error(`output ${name}: ${response.status} ${await response.text()}`)
      return new Uint8Array(await response.arrayBuffer())
    },
    /** Status and body of a call that is expected to fail. */
    async refusal(
      path: string,
      init: RequestInit = {},
    ): Promise<{ status: number; type: string; problem: Problem }> {
      const response = await call(path, init)
      const type = response.headers.get('content-type') ?? ''
      return { status: response.status, type, problem: (await response.json()) as Problem }
    },
  }
}

export interface ReceivedEvent {
  readonly token: string
  readonly view: EventView
}

/** The events of one connection, after `after`, until the server ends the stream or the connection fails. */
async function* readEvents(
  call: (path: string, init?: RequestInit) => Promise<Response>,
  id: string,
  after?: string,
  signal?: AbortSignal,
): AsyncGenerator<ReceivedEvent, void> {
  const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': after }
  const response = await call(`/api/v1/tasks/${id}/events`, { headers, ...(signal && { signal }) })
  if (!response.ok || response.body === null)
    throw new Error(`events: ${response.status} ${await response.text()}`)
  const received: ReceivedEvent[] = []
  const parser = createParser({
    onEvent: (event) => {
      if (event.event === 'heartbeat') return
      received.push({ token: event.id ?? '', view: JSON.parse(event.data) as EventView })
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* received.splice(0)
  }
}

/** Follows a task to its end over any number of connections; `nextClient` returns the client for the next connection. */
export async function followToEnd(
  nextClient: () => ReturnType<typeof client>,
  id: string,
  { timeoutMs = 60_000 } = {},
): Promise<ReceivedEvent[]> {
  const seen: ReceivedEvent[] = []
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    try {
      for await (const one of nextClient().events(id, seen.at(-1)?.token)) seen.push(one)
    } catch {
      // The gateway is unavailable: resume over the next connection.
    }
    const last = seen.at(-1)?.view.kind
    if (last === 'completed' || last === 'failed' || last === 'cancelled') return seen
    await Bun.sleep(100)
  }
  throw new Error(
    `Task ${id} did not end within ${timeoutMs} ms; events: ${seen.map((s) => s.view.kind).join(', ')}`,
  )
}

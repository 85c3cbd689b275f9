import type { ActorView, Catalogue, Client, ImageView, Settings, TaskPage, TaskView } from '../client.ts'
import { joinClient, type JoinOptions } from '../join.ts'
import { credentialsOf, type Credentials } from '../token.ts'
import { createCaller, type FetchLike } from './call.ts'
import { contentOver } from './content.ts'
import { eventsOver } from './events.ts'
import { hearing } from '../position.ts'
import { processImage } from './process-image.ts'
import { globalSocket, tuneOver, type SocketMaker } from './tune.ts'
import { upload } from './upload.ts'

export interface HttpOptions extends JoinOptions {
  /** Address of the server, such as `https://pixelflow.example.com`; a page may leave it out for its own. */
  readonly url?: string | undefined
  /** Bearer token, or where to get one. */
  readonly token?: string | Credentials | null | undefined
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** In place of the global `fetch`: for certificates, proxies, tests. */
  readonly fetch?: FetchLike | undefined
  /** In place of the global `WebSocket`, likewise. */
  readonly webSocket?: SocketMaker | undefined
}

/** Opens a server over HTTP. Nothing is sent yet. @throws TypeError when the address is none. */
export function openHttp(options: HttpOptions = {}): Client {
  const {
    url,
    token,
    headers = {},
    fetch: send = (input, init) => fetch(input, init),
    webSocket: socket = globalSocket,
    signal,
    ...limits
  } = options
  const credentials = credentialsOf(token)
  const caller = createCaller({
    address: url === undefined ? '' : new URL(url).href.replace(/\/+$/, ''),
    credentials,
    fetch: send,
    headers,
    limits,
  })
  const { json, done } = caller
  const image = (id: string) => `/api/v1/images/${encodeURIComponent(id)}`
  const task = (id: string) => `/api/v1/tasks/${encodeURIComponent(id)}`

  return joinClient(
    {
      address: caller.address,
      settings: (options) => json<Settings>('/api/v1/settings', 'version', {}, options),
      operations: (options) => json<Catalogue>('/api/v1/operations', 'operations', {}, options),
      actors: async (options) =>
        (await json<{ items: ActorView[] }>('/api/v1/actors', 'items', {}, options)).items,
      upload: (source, options) => upload(caller, source, options),
      image: (id, options) => json<ImageView>(image(id), 'sha256', {}, options),
      deleteImage: (id, options) => done(image(id), { method: 'DELETE' }, options),
      createTask: (image, recipe, options) =>
        json<TaskView>(
          '/api/v1/tasks',
          'status',
          { method: 'POST', value: { image, recipe, lane: options?.lane }, key: options?.idempotencyKey },
          options,
        ),
      task: (id, options) => json<TaskView>(task(id), 'status', {}, options),
      taskPage({ status, limit, cursor } = {}, options) {
        const query = new URLSearchParams({
          ...(status === undefined ? {} : { status }),
          ...(limit === undefined ? {} : { limit: String(limit) }),
          ...(cursor === undefined ? {} : { cursor }),
        })
        return json<TaskPage>(`/api/v1/tasks?${query.toString()}`, 'items', {}, options)
      },
      cancel: (id, options) =>
        json<TaskView>(`${task(id)}/cancel`, 'status', { method: 'POST', repeatable: true }, options),
      retryTask: (id, options) =>
        json<TaskView>(
          `${task(id)}/retry`,
          'status',
          { method: 'POST', key: options?.idempotencyKey },
          options,
        ),
      deleteTask: (id, options) => done(task(id), { method: 'DELETE' }, options),
      processImage: (source, recipe, options) => processImage(caller, source, recipe, options),
      events: (id, link) => eventsOver(caller, id, link),
      content: (from, part) => contentOver(caller, from, part),
      tune(ear, signal) {
        const token = credentials.token()
        return tuneOver({ address: caller.address, token, socket }, hearing(caller.positions, ear), signal)
      },
      async close() {},
    },
    { ...limits, signal },
  )
}

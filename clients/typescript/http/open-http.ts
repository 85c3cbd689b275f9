import type {
  ActorView,
  Catalogue,
  Client,
  ImageView,
  ServerSettings,
  TaskPage,
  TaskView,
} from '../client.ts'
import { createClient, type ClientOptions } from '../create-client.ts'
import { credentialsOf, type Credentials } from '../credentials.ts'
import { createHttpCaller, type FetchLike } from './http-caller.ts'
import { fetchContent } from './fetch-content.ts'
import { streamEvents } from './stream-events.ts'
import { trackPositions } from '../write-positions.ts'
import { processImage } from './process-image.ts'
import { openGlobalSocket, connectTune, type SocketFactory } from './connect-tune.ts'
import { upload } from './upload.ts'

export interface HttpOptions extends ClientOptions {
  /** Address of the server, such as `https://pixelflow.example.com`; default in a browser: the page's own server. */
  readonly url?: string | undefined
  /** Bearer token, or the source of one. */
  readonly token?: string | Credentials | null | undefined
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Replaces the global `fetch`, for example to send client certificates or to use a proxy. */
  readonly fetch?: FetchLike | undefined
  /** Replaces the global `WebSocket`. */
  readonly webSocket?: SocketFactory | undefined
}

/** Creates a client over HTTP. Sends nothing yet. @throws TypeError if the address is invalid. */
export function openHttp(options: HttpOptions = {}): Client {
  const {
    url,
    token,
    headers = {},
    fetch: send = (input, init) => fetch(input, init),
    webSocket: socket = openGlobalSocket,
    signal,
    ...limits
  } = options
  const credentials = credentialsOf(token)
  const caller = createHttpCaller({
    address: url === undefined ? '' : new URL(url).href.replace(/\/+$/, ''),
    credentials,
    fetch: send,
    headers,
    limits,
  })
  const { json, done } = caller
  const image = (id: string) => `/api/v1/images/${encodeURIComponent(id)}`
  const task = (id: string) => `/api/v1/tasks/${encodeURIComponent(id)}`

  return createClient(
    {
      address: caller.address,
      settings: (options) => json<ServerSettings>('/api/v1/settings', 'version', {}, options),
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
      events: (id, link) => streamEvents(caller, id, link),
      content: (from, part) => fetchContent(caller, from, part),
      tune(listener, signal) {
        const token = credentials.token()
        return connectTune(
          { address: caller.address, token, socket },
          trackPositions(caller.positions, listener),
          signal,
        )
      },
      async close() {},
    },
    { ...limits, signal },
  )
}

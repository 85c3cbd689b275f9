import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem } from '@pixelflow/core/problem'
import type { ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import { createEvent, type EventKind } from '@pixelflow/core/event'
import type { Task } from '@pixelflow/core/task'
import { bootstrap } from '@pixelflow/nats/topology/bootstrap'
import { connect } from '@pixelflow/nats/connection/connect'
import { openAdapters, type Adapters } from '@pixelflow/nats/open-adapters'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startNats, type Nats, type NatsOptions } from '@pixelflow/testkit/nats'
import { readConfig, type GatewayConfig } from '../config.ts'
import { openGateway, type Gateway } from '../gateway.ts'

export type UploadBody = NonNullable<RequestInit['body']>

/** A gateway in this process with its own broker. */
export interface TestGateway extends AsyncDisposable {
  readonly url: string
  /** The gRPC port, as `host:port`. */
  readonly grpcAddress: string
  readonly nats: Nats
  /** Adapters of a second connection to the broker, to act as an actor. */
  readonly adapters: Adapters
  readonly dataDir: string
  readonly logs: readonly Record<string, unknown>[]
  call(path: string, init?: BunFetchRequestInit): Promise<Response>
  /** Uploads a body as an image. */
  upload(body: UploadBody, type?: string): Promise<Response>
  /** Uploads an image and returns it. */
  image(body: Uint8Array, headers?: Record<string, string>): Promise<ImageView>
  submit(image: string, recipe?: unknown): Promise<TaskView>
  task(id: string): Promise<TaskView>
  tasks(query?: string): Promise<TaskPageView>
  cancelTask(id: string): Promise<Response>
  retryTask(id: string): Promise<Response>
  deleteTask(id: string): Promise<Response>
  refusal(answer: Response | Promise<Response>): Promise<Problem & { allow: string | null }>
  /** Number of messages in each stream, to find leftovers. */
  messages(): Promise<{ chunks: number; records: number; events: number; jobs: number }>
  /** Number of image records of all accounts. */
  imageRecords(): Promise<number>
  /** Appends the next event of a task, as an actor would. */
  advance(task: string, kind: EventKind, change?: Partial<Task>): Promise<number>
  /** Purges or recreates the event log. */
  loseEvents(how: 'purged' | 'recreated'): Promise<void>
  /** Opens another gateway with the same broker. */
  another(env?: Record<string, string>): Promise<Gateway>
  /** Stops the gateway and starts another one with the same data. */
  restart(between?: () => Promise<void>): Promise<void>
}

/** An id that no task and no image has. */
export const unknownId = '01900000-0000-7000-8000-000000000000'

export interface TestGatewayOptions {
  readonly env?: Record<string, string>
  readonly nats?: NatsOptions
}

export async function openTestGateway({
  env = {},
  nats: natsOptions,
}: TestGatewayOptions = {}): Promise<TestGateway> {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'pixelflow-gateway-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const nats = stack.use(await startNats(natsOptions))
  const configOf = (more: Record<string, string> = {}): GatewayConfig =>
    readConfig({
      PIXELFLOW_HTTP_PORT: '0',
      PIXELFLOW_GRPC_PORT: '0',
      PIXELFLOW_DATA_DIR: dataDir,
      ...nats.env,
      ...env,
      ...more,
    })
  const settings = configOf()
  const logs: Record<string, unknown>[] = []
  const log = createLogger({
    service: 'gateway',
    level: 'debug',
    format: 'json',
    write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>),
  })
  const open = async (more?: Record<string, string>) => {
    const gateway = await openGateway(configOf(more), log)
    await gateway.waitForTaskList(10_000)
    return gateway
  }
  const adapters = stack.use(await openAdapters({ settings, name: 'test', log }))
  const broker = stack.use(await connect({ settings, name: 'test', log }))
  const count = async (stream: string) => {
    const info = await broker.request(`$JS.API.STREAM.INFO.${stream}`)
    return info.json<{ state: { messages: number } }>().state.messages
  }
  let gateway = await open()
  stack.defer(() => gateway[Symbol.asyncDispose]())
  const account = 'local'
  const call = (path: string, init?: BunFetchRequestInit) => fetch(new URL(path, gateway.url), init)
  const upload = (body: UploadBody, type = 'image/jpeg') =>
    call('/api/v1/images', { method: 'POST', body, headers: { 'content-type': type } })

  const owned = stack.move()
  return {
    nats,
    adapters,
    dataDir,
    logs,
    get url() {
      return gateway.url
    },
    get grpcAddress() {
      return gateway.grpcAddress
    },
    call,
    upload,
    async image(body, headers = {}) {
      const init = {
        method: 'POST',
        body: body as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'image/jpeg', ...headers },
      }
      return jsonOf<ImageView>(await call('/api/v1/images', init), 201)
    },
    async submit(image, recipe = 'resize:100') {
      const body = JSON.stringify({ image, recipe })
      const headers = { 'content-type': 'application/json' }
      return jsonOf<TaskView>(await call('/api/v1/tasks', { method: 'POST', body, headers }), 202)
    },
    task: async (id) => jsonOf<TaskView>(await call(`/api/v1/tasks/${id}`), 200),
    tasks: async (query = '') => jsonOf<TaskPageView>(await call(`/api/v1/tasks${query}`), 200),
    cancelTask: (id) => call(`/api/v1/tasks/${id}/cancel`, { method: 'POST' }),
    retryTask: (id) => call(`/api/v1/tasks/${id}/retry`, { method: 'POST' }),
    deleteTask: (id) => call(`/api/v1/tasks/${id}`, { method: 'DELETE' }),
    async refusal(answer) {
      const response = await answer
      const body = (await response.json()) as Problem
      const type = response.headers.get('content-type')
      if (type !== 'application/problem+json' || body.status !== response.status || !body.requestId) {
        throw new Error(`not a problem response: ${response.status} ${type} ${JSON.stringify(body)}`)
      }
      return { ...body, allow: response.headers.get('allow') }
    },
    async messages() {
      const [chunks, records, events, jobs] = await Promise.all(
        ['OBJ_sources', 'KV_images', 'EVENTS', 'JOBS'].map(count),
      )
      return { chunks: chunks ?? -1, records: records ?? -1, events: events ?? -1, jobs: jobs ?? -1 }
    },
    async imageRecords() {
      const request = JSON.stringify({ subjects_filter: '>' })
      const info = await broker.request('$JS.API.STREAM.INFO.KV_images', request)
      const { subjects = {} } = info.json<{ state: { subjects?: Record<string, number> } }>().state
      const isThere = async (subject: string) => {
        const got = await broker.request(
          '$JS.API.STREAM.MSG.GET.KV_images',
          JSON.stringify({ last_by_subj: subject }),
        )
        return got.json<{ message: { data?: string } }>().message.data !== undefined
      }
      const found = await Promise.all(Object.keys(subjects).map(isThere))
      return found.filter(Boolean).length
    },
    async advance(task, kind, change = {}) {
      const last = await adapters.events.last(account, task)
      if (!last) throw new Error(`no task ${task}`)
      return appendEvent(adapters.events, createEvent(kind, last.event.task, change, new Date()), last.seq)
    },
    async loseEvents(how) {
      if (how === 'purged') return void (await broker.request('$JS.API.STREAM.PURGE.EVENTS'))
      await broker.request('$JS.API.STREAM.DELETE.EVENTS')
      await bootstrap(broker, settings)
    },
    another: async (more) => {
      const other = await mkdtemp(join(tmpdir(), 'pixelflow-gateway-'))
      owned.defer(() => rm(other, { recursive: true, force: true }))
      return owned.use(await open({ PIXELFLOW_DATA_DIR: other, ...more }))
    },
    async restart(between) {
      await gateway[Symbol.asyncDispose]()
      await between?.()
      gateway = await open()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function jsonOf<T>(response: Response, status: number): Promise<T> {
  if (response.status !== status) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}

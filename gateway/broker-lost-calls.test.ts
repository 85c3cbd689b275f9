import type { DescMethodUnary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import type { Problem } from '@pixelflow/core/problem'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { confirmedMs } from './tasks/watch-task.ts'
import { settlesInTime, brokerFaults } from './testing/broker-faults.ts'
import { openTestGateway, type TestGateway, type UploadBody } from './testing/test-gateway.ts'
import { failure, grpcClient, uploadWhole, type GrpcClient } from './testing/grpc-client.ts'
import { openTuneSocket } from './testing/tune-socket.ts'

/** While the broker is down, every call of every protocol is answered; calls that need the broker get a fault with a remedy. */

let photo: Uint8Array<ArrayBuffer>
let gateway: TestGateway
let client: GrpcClient
let image: string
let task: string
let recipe: { kind: { case: 'stringValue'; value: string } }
const dead = () => `/api/v1/admin/dead/transform.local.${task}`
const json = { 'content-type': 'application/json' }
const jpeg = { 'content-type': 'image/jpeg' }
const keyed = () => ({ 'idempotency-key': crypto.randomUUID() })

beforeAll(async () => {
  photo = new Uint8Array(await sampleImage({ width: 320, height: 240 }))
  recipe = { kind: { case: 'stringValue', value: 'flip' } }
})

const post = (path: string, headers: Record<string, string> = {}, body?: UploadBody): Promise<Response> =>
  gateway.call(path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) })
const remove = (path: string) => gateway.call(path, { method: 'DELETE' })
const form = () => {
  const data = new FormData()
  data.set('recipe', 'flip')
  data.set('file', new Blob([photo], { type: 'image/jpeg' }), 'photo.jpg')
  return data
}
const taskBody = () => JSON.stringify({ image, recipe: 'flip' })

const overHttp: Record<string, () => Promise<Response>> = {
  upload: () => post('/api/v1/images', jpeg, photo),
  'upload with a key': () => post('/api/v1/images', { ...jpeg, ...keyed() }, photo),
  'upload of a form': () => {
    const body = form()
    body.delete('recipe')
    return post('/api/v1/images', {}, body)
  },
  'image record': () => gateway.call(`/api/v1/images/${image}`),
  'image content': () => gateway.call(`/api/v1/images/${image}/content`),
  'image deletion': () => remove(`/api/v1/images/${image}`),
  'task from JSON': () => post('/api/v1/tasks', json, taskBody()),
  'task from JSON with a key': () => post('/api/v1/tasks', { ...json, ...keyed() }, taskBody()),
  'task from a form': () => post('/api/v1/tasks', keyed(), form()),
  'task record': () => gateway.call(`/api/v1/tasks/${task}`),
  'task output': () => gateway.call(`/api/v1/tasks/${task}/outputs/default`),
  'task events': () => gateway.call(`/api/v1/tasks/${task}/events`),
  'task cancellation': () => post(`/api/v1/tasks/${task}/cancel`),
  'task retry': () => post(`/api/v1/tasks/${task}/retry`, keyed()),
  'task deletion': () => remove(`/api/v1/tasks/${task}`),
  process: () => post('/api/v1/process?recipe=flip', jpeg, photo),
  'process asynchronously': () =>
    post('/api/v1/process?recipe=flip', { ...jpeg, ...keyed(), prefer: 'respond-async' }, photo),
  'dead letters': () => gateway.call('/api/v1/admin/dead'),
  'dead letter': () => gateway.call(dead()),
  'dead letter replay': () => post(`${dead()}/replay`),
  'dead letter removal': () => remove(dead()),
  readiness: () => gateway.call('/health/ready'),
  health: () => gateway.call('/health/'),
}

/** Calls that do not need the broker. */
const withoutBroker: Record<string, () => Promise<Response>> = {
  liveness: () => gateway.call('/health/live'),
  metrics: () => gateway.call('/metrics'),
  actors: () => gateway.call('/api/v1/actors'),
  operations: () => gateway.call('/api/v1/operations'),
  page: () => gateway.call('/'),
}

/** The unary calls that need the broker, for all protocols. */
const unary = () =>
  ({
    getImage: { id: image },
    deleteImage: { id: image },
    createTask: { image, recipe },
    getTask: { id: task },
    cancelTask: { id: task },
    retryTask: { id: task },
    deleteTask: { id: task },
    processImageUnary: { image: photo, recipe },
  }) as const

async function drained(call: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of call);
}

const overGrpc = (): Record<string, Promise<unknown>> => {
  const { method } = ImageService
  const calls = Object.entries(unary()).map(([name, request]) => {
    const metadata = keyed()
    const called: DescMethodUnary = method[name as keyof ReturnType<typeof unary>]
    return [name, client.unary(called, request, { metadata })]
  })
  return {
    ...(Object.fromEntries(calls) as Record<string, Promise<unknown>>),
    upload: uploadWhole(client, photo),
    process: drained(client.serverStream(method.process, { image, recipe }, { metadata: keyed() })),
    watchTask: drained(client.serverStream(method.watchTask, { id: task })),
    download: drained(client.serverStream(method.download, { source: { case: 'image', value: image } })),
  }
}

const overWeb = (createTransport: typeof createConnectTransport): Record<string, Promise<unknown>> => {
  const web = createClient(ImageService, createTransport({ baseUrl: gateway.url, useBinaryFormat: true }))
  type UnaryCall = (request: unknown, options: { headers: Record<string, string> }) => Promise<unknown>
  const calls = Object.entries(unary()).map(([name, request]) => [
    name,
    (web[name as keyof Client<typeof ImageService>] as UnaryCall)(request, { headers: keyed() }),
  ])
  return {
    ...(Object.fromEntries(calls) as Record<string, Promise<unknown>>),
    process: drained(web.process({ image, recipe }, { headers: keyed() })),
    watchTask: drained(web.watchTask({ id: task })),
    download: drained(web.download({ source: { case: 'image', value: image } })),
  }
}

/** Concurrently, because each may take most of the time limit of a call. */
async function each<T>(
  calls: Record<string, Promise<T>>,
  judge: (name: string, call: Promise<T>) => Promise<void>,
): Promise<void> {
  const found = await Promise.allSettled(
    Object.entries(calls).map(([name, call]) => judge(name, settlesInTime(name, call))),
  )
  const wrong = found.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
  expect(wrong).toEqual([])
}

const begun = <T>(calls: Record<string, () => Promise<T>>) =>
  Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, call()]))

describe.each(Object.entries(brokerFaults))('while the broker is %s', (_, fault) => {
  beforeAll(async () => {
    gateway = await openTestGateway()
    client = grpcClient(gateway.grpcAddress)
    image = (await gateway.image(photo)).id
    const created = await gateway.submit(image)
    task = created.id
    await waitFor(
      'no recent event of the task that shows an available broker',
      () => Date.now() - Date.parse(created.createdAt),
      (ageMs) => ageMs > confirmedMs,
    )
    await fault.begin(gateway.nats)
  })
  afterAll(async () => {
    client[Symbol.dispose]()
    await fault.end(gateway.nats)
    await gateway[Symbol.asyncDispose]()
  }, 60_000)

  test.concurrent('every call over HTTP is refused with a problem response and a remedy', async () => {
    await each(begun(overHttp), async (name, call) => {
      const answer = await call
      if (answer.status !== 503) throw new Error(`${name}: ${answer.status} ${await answer.text()}`)
      if (name === 'readiness' || name === 'health') return
      const { code, remedy } = (await answer.json()) as Problem
      if (!/^(unavailable|storage_failed)$/.test(code) || !remedy || !answer.headers.has('retry-after'))
        throw new Error(`${name}: ${code}, ${remedy}`)
    })
  }, 90_000)

  test.concurrent('calls that do not need the broker succeed, and the list may be behind', async () => {
    const list = () => gateway.call('/api/v1/tasks')
    await each(begun({ ...withoutBroker, list }), async (name, call) => {
      const { status } = await call
      if (status !== 200 && !(name === 'list' && status === 503)) throw new Error(`${name}: ${status}`)
    })
  }, 90_000)

  test.concurrent('every call over gRPC is refused as unavailable', async () => {
    await each(overGrpc(), async (name, call) => {
      const { code, details } = await failure(call)
      if (code !== 14) throw new Error(`${name}: ${code} ${details}`)
    })
    const { status } = await settlesInTime('health', client.unary(Health.method.check, {}))
    expect(status).toBe(Serving.NOT_SERVING)
  }, 90_000)

  test.concurrent.each([
    ['Connect', createConnectTransport],
    ['gRPC-Web', createGrpcWebTransport],
  ])(
    'every call over %s is refused as unavailable',
    async (_, createTransport) => {
      await each(overWeb(createTransport), async (name, call) => {
        const thrown = await call.then(
          () => undefined,
          (error: unknown) => error,
        )
        const { code, message } = ConnectError.from(thrown)
        if (code !== Code.Unavailable) throw new Error(`${name}: ${code} ${message}`)
      })
    },
    90_000,
  )

  test.concurrent('a tuning session is refused at its start', async () => {
    const tuning = openTuneSocket(gateway.url)
    await tuning.opened
    await tuning.send({ type: 'open', image, recipe: 'flip' })
    const { fault: refusal } = await settlesInTime('tuning', tuning.receive('failed'))
    expect(refusal).toMatchObject({ code: 'unavailable', remedy: expect.any(String) as string })
  }, 90_000)
})

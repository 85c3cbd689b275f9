import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { SpanRecord } from '@pixelflow/platform/telemetry/tracing/span-record'
import { startTracing } from '@pixelflow/platform/telemetry/tracing/tracing'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { failure, grpcClient } from '../testing/grpc-client.ts'
import { openTestGateway, unknownId, type TestGateway } from '../testing/test-gateway.ts'

/** How the spans of calls relate to those of their callers, and of the calls that they repeat. */

const token = { authorization: 'Bearer secret-of-ann' }
const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`
const service = 'pixelflow.v1.ImageService'

let gateway: TestGateway
let spans: SpanRecord[]
let tracing: Disposable
beforeAll(async () => {
  gateway = await openTestGateway({ env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' } })
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())
beforeEach(() => {
  spans = []
  // The decision of a sampler that follows its parent, and selects nothing else.
  const isSampled = (_: string, parent?: { isSampled: boolean }) => parent?.isSampled === true
  tracing = startTracing({ isSampled, recordsAll: true, record: (span) => void spans.push(span) })
})
afterEach(() => tracing[Symbol.dispose]())

const spanNamed = (name: string) =>
  waitFor(`span ${name}`, () => spans.find((span) => span.name === name)) as Promise<SpanRecord>

type Credentials = Readonly<Record<string, string>>
const getTask: readonly [string, string, (headers: Credentials) => Promise<unknown>][] = [
  [
    'REST',
    'GET /api/v1/tasks/{id}',
    (headers) => gateway.call(`/api/v1/tasks/${unknownId}`, { headers: { traceparent, ...headers } }),
  ],
  [
    'gRPC',
    `${service}/GetTask`,
    async (headers) => {
      using client = grpcClient(gateway.grpcAddress)
      const metadata = { traceparent, ...headers }
      return await failure(client.unary(ImageService.method.getTask, { id: unknownId }, { metadata }))
    },
  ],
  [
    'Connect',
    `${service}/GetTask`,
    (headers) =>
      gateway.call(`/${service}/GetTask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', traceparent, ...headers },
        body: JSON.stringify({ id: unknownId }),
      }),
  ],
]

describe.each(getTask)('a call over %s', (_, name, call) => {
  test('continues the trace of an authenticated caller', async () => {
    await call(token)
    expect(await spanNamed(name)).toMatchObject({
      context: { traceId: caller.traceId, isSampled: true },
      parentSpanId: caller.spanId,
    })
  })

  test.each([[{}], [{ authorization: 'Bearer unknown' }]])(
    'with the credentials %j starts a trace of its own, which the caller cannot have exported',
    async (credentials) => {
      await call(credentials)
      const span = await spanNamed(name)
      expect(span).toMatchObject({ context: { isSampled: false }, parentSpanId: undefined })
      expect(span.context.traceId).not.toBe(caller.traceId)
      expect(spans.filter(({ context }) => context.traceId === caller.traceId)).toEqual([])
    },
  )
})

describe('a repetition with an idempotency key', () => {
  test('links to the call that it repeats, of an image and of a task', async () => {
    const photo = new Uint8Array(await sampleImage({ width: 20, height: 20 }))
    const upload = () =>
      gateway.call('/api/v1/images', {
        method: 'POST',
        body: photo,
        headers: { ...token, 'content-type': 'image/jpeg', 'idempotency-key': 'one-image' },
      })
    const { id: image } = (await (await upload()).json()) as { id: string }
    const create = () =>
      gateway.call('/api/v1/tasks', {
        method: 'POST',
        body: JSON.stringify({ image, recipe: 'flip' }),
        headers: { ...token, 'content-type': 'application/json', 'idempotency-key': 'one-task' },
      })
    const { id: task } = (await (await create()).json()) as { id: string }
    await upload()
    expect(await (await create()).json()).toMatchObject({ id: task })
    for (const [name, attributes] of [
      ['POST /api/v1/images', {}],
      ['POST /api/v1/tasks', { 'pixelflow.task.id': task }],
    ] as const) {
      const [first, repetition] = spans.filter((span) => span.name === name)
      expect(first?.links).toEqual([])
      expect(repetition?.links).toMatchObject([
        { traceId: first?.context.traceId, spanId: first?.context.spanId },
      ])
      expect(repetition?.attributes).toMatchObject(attributes)
      expect(repetition?.context.traceId).not.toBe(first?.context.traceId)
    }
  })
})

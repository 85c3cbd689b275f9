import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openHttp, PixelflowError, type Client } from '@pixelflow/client'
import { openGrpc } from '@pixelflow/client/grpc'
import type { CollectedSpan } from '@pixelflow/testkit/decode-otlp-traces'
import { sampleImage } from '@pixelflow/testkit/images'
import { startOtlpCollector, type OtlpCollector } from '@pixelflow/testkit/otlp-collector'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'

/** Two gateways and an actor that send their spans to a collector: one trace from the caller to the delivery. */

let collector: OtlpCollector
let stack: Stack
let gateways: readonly [GatewayProcess, GatewayProcess]
let image: Blob

beforeAll(async () => {
  collector = startOtlpCollector()
  stack = await startStack({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint } })
  gateways = [await stack.gateway(), await stack.gateway()]
  await stack.actor()
  image = new Blob([await sampleImage({ width: 640, height: 480 })], { type: 'image/jpeg' })
}, 90_000)
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]()
  await collector?.[Symbol.asyncDispose]()
})

/** The span of a caller. */
function createCaller() {
  const traceId = crypto.getRandomValues(new Uint8Array(16)).toHex()
  const spanId = crypto.getRandomValues(new Uint8Array(8)).toHex()
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` }
}

/** The spans of a trace, once those with the given names have arrived. */
async function collect(traceId: string, names: readonly string[]) {
  const all = await waitFor(
    `spans ${names.join(', ')}`,
    () => collector.spans.filter((span) => span.traceId === traceId),
    (spans) => names.every((name) => spans.some((span) => span.name === name)),
  )
  const named = (name: string): CollectedSpan => {
    const found = all.find((span) => span.name === name)
    if (found === undefined) throw new Error(`no span ${name}`)
    return found
  }
  const parentOf = (name: string) => all.find(({ spanId }) => spanId === named(name).parentSpanId)?.name
  return { all, named, parentOf }
}

/** Of a small image, whose work is one pipeline. */
const workerStages = ['read header', 'decode, render, encode webp']
const attemptSpans = ['fetch source', 'worker wait', 'worker', 'finish events', 'acknowledge job']

function expectAttempt({ all, named, parentOf }: Awaited<ReturnType<typeof collect>>, request: string): void {
  for (const name of ['submit job', 'queue wait', 'attempt transform']) expect(parentOf(name)).toBe(request)
  for (const name of attemptSpans) expect(parentOf(name)).toBe('attempt transform')
  for (const name of workerStages) expect(parentOf(name)).toBe('worker')
  const services = (name: string) => new Set(all.filter((one) => one.name === name).map(serviceOf))
  expect(services('append event')).toEqual(new Set(['pixelflow-gateway', 'pixelflow-actors']))
  expect(serviceOf(named('worker'))).toBe('pixelflow-actors')
  for (const { startMs, endMs } of all) expect(endMs).toBeGreaterThanOrEqual(startMs)
}

function serviceOf({ resource }: CollectedSpan) {
  return resource['service.name']
}

describe('a task', () => {
  test('is one trace from an HTTP call through the actor to a watcher at another gateway', async () => {
    const caller = createCaller()
    const { traceparent } = caller
    const form = new FormData()
    form.append('file', image, 'photo.jpg')
    form.append('recipe', 'resize:200/format:webp')
    const [accepting, watching] = gateways
    const response = await fetch(`${accepting.url}/api/v1/tasks`, {
      method: 'POST',
      body: form,
      headers: { traceparent, 'x-request-id': 'one-request' },
    })
    expect(response.status).toBe(202)
    const created = (await response.json()) as { id: string; traceId?: string }
    expect(created.traceId).toBe(caller.traceId)
    const events = await (await fetch(`${watching.url}/api/v1/tasks/${created.id}/events`)).text()
    expect(events).toContain('event: completed')
    expect(events).toContain(`"traceId":"${caller.traceId}"`)

    const request = 'POST /api/v1/tasks'
    const trace = await collect(caller.traceId, ['attempt transform', request, 'deliver events'])
    expectAttempt(trace, request)
    expect(trace.named(request)).toMatchObject({
      parentSpanId: caller.spanId,
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/v1/tasks',
        'http.response.status_code': 202,
        'pixelflow.request.id': 'one-request',
        'pixelflow.task.id': created.id,
      },
    })
    for (const name of ['receive body', 'store source']) expect(trace.parentOf(name)).toBe(request)
    const delivery = trace.named('deliver events')
    expect(delivery.parentSpanId).toBe(trace.named(request).spanId)
    const watch = await waitFor('span of the watch', () =>
      collector.spans.find(({ spanId }) => spanId === delivery.links[0]?.spanId),
    )
    expect(watch).toMatchObject({
      name: 'GET /api/v1/tasks/{id}/events',
      links: [{ traceId: caller.traceId, spanId: trace.named(request).spanId }],
      resource: { 'process.pid': watching.pid },
    })
    const line = await accepting.line((one) => hasMessage('request')(one) && one.includes('one-request'))
    expect(JSON.parse(line)).toMatchObject({ traceId: caller.traceId })
  })

  test.each([
    ['HTTP', (traceparent: () => string) => openHttp({ url: gateways[0].url, traceparent })],
    ['gRPC', (traceparent: () => string) => openGrpc({ address: grpcOf(gateways[0]), traceparent })],
  ])('is in the trace of a client over %s, as its retry and its errors', async (protocol, open) => {
    const caller = createCaller()
    await using client: Client = open(() => caller.traceparent)
    const { id } = await client.upload(image)
    const task = await client.createTask(id, 'resize:200/format:webp')
    await client.follow(task.id)
    expect(task.traceId).toBe(caller.traceId)
    const upload = protocol === 'gRPC' ? 'pixelflow.v1.ImageService/Upload' : 'POST /api/v1/images'
    const create = protocol === 'gRPC' ? 'pixelflow.v1.ImageService/CreateTask' : 'POST /api/v1/tasks'
    const trace = await collect(caller.traceId, ['attempt transform', create, upload])
    expectAttempt(trace, create)
    expect(trace.parentOf('store source')).toBe(upload)
    for (const name of [upload, create]) expect(trace.named(name).parentSpanId).toBe(caller.spanId)

    await client.retryTask(task.id)
    const retry =
      protocol === 'gRPC' ? 'pixelflow.v1.ImageService/RetryTask' : 'POST /api/v1/tasks/{id}/retry'
    const withRetry = await collect(caller.traceId, [retry])
    expect(withRetry.named(retry).links).toEqual([
      { traceId: caller.traceId, spanId: trace.named(create).spanId },
    ])
    const failure = await client.task(Bun.randomUUIDv7()).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PixelflowError)
    expect(failure).toMatchObject({ code: 'task_not_found', traceId: caller.traceId })
  })

  test('starts a trace when the caller has none, over Connect too', async () => {
    const caller = createCaller()
    const response = await fetch(`${gateways[1].url}/pixelflow.v1.ImageService/GetTask`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: caller.traceparent },
      body: JSON.stringify({ id: Bun.randomUUIDv7() }),
    })
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('debug')
    const { named } = await collect(caller.traceId, ['pixelflow.v1.ImageService/GetTask'])
    expect(named('pixelflow.v1.ImageService/GetTask')).toMatchObject({
      parentSpanId: caller.spanId,
      attributes: { 'rpc.system': 'connect_rpc', 'rpc.method': 'GetTask', 'rpc.grpc.status_code': 5 },
    })

    const problem = (await (await fetch(`${gateways[1].url}/api/v1/tasks/none`)).json()) as {
      traceId: string
    }
    expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/)
    const own = await collect(problem.traceId, ['GET /api/v1/tasks/{id}'])
    expect(own.named('GET /api/v1/tasks/{id}').parentSpanId).toBe('')
  })

  test('is not traced when the caller is not sampled', async () => {
    const { traceId, spanId } = createCaller()
    const traceparent = `00-${traceId}-${spanId}-00`
    await using client = openHttp({ url: gateways[0].url, traceparent: () => traceparent })
    const { task } = await client.process(image, 'resize:100/format:webp')
    expect(task.traceId).toBe(traceId)
    const later = createCaller()
    await fetch(`${gateways[0].url}/api/v1/tasks/${task.id}`, { headers: { traceparent: later.traceparent } })
    await collect(later.traceId, ['GET /api/v1/tasks/{id}'])
    expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([])
  })
})

test('a synchronous call is one trace, too', async () => {
  const caller = createCaller()
  await using client = openHttp({ url: gateways[1].url, traceparent: () => caller.traceparent })
  await client.processImage(image, 'resize:100/format:webp')
  const request = 'POST /api/v1/process'
  const { named, parentOf } = await collect(caller.traceId, [request, 'live transform'])
  expect(named(request).parentSpanId).toBe(caller.spanId)
  for (const name of ['session wait', 'live transform']) expect(parentOf(name)).toBe(request)
  for (const name of ['receive source', 'worker', 'send result'])
    expect(parentOf(name)).toBe('live transform')
  expect(serviceOf(named('live transform'))).toBe('pixelflow-actors')
})

function grpcOf({ lines }: GatewayProcess): string {
  return (JSON.parse(lines.find(hasMessage('ready')) ?? '{}') as { grpc: string }).grpc
}

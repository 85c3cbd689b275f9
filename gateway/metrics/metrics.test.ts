import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import { Health } from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { parsePrometheus, type PrometheusMetrics } from '@pixelflow/testkit/prometheus'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { failure, grpcClient, uploadWhole, type GrpcClient } from '../testing/grpc-client.ts'

const calls = ImageService.method
const service = 'pixelflow.v1.ImageService'
const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
let gateway: TestGateway
let native: GrpcClient
let photo: Uint8Array
beforeAll(async () => {
  gateway = await openTestGateway()
  native = grpcClient(gateway.grpcAddress)
  photo = await sampleImage({ width: 300, height: 200 })
}, 60_000)
afterAll(async () => {
  native?.[Symbol.dispose]()
  await gateway?.[Symbol.asyncDispose]()
})

async function read(): Promise<PrometheusMetrics> {
  const answer = await gateway.call('/metrics')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parsePrometheus(await answer.text())
}

/** Waits until a series has grown by the expected amount, and returns the growth. */
async function grows(
  name: string,
  labels: Record<string, string>,
  by: number,
  during: () => Promise<unknown>,
): Promise<void> {
  const before = (await read()).value(name, labels)
  await during()
  const growth = async () => (await read()).value(name, labels) - before
  await waitFor(`${name} grown by ${by}`, growth, (grown) => grown >= by)
  expect(await growth()).toBe(by)
}

async function waitForNoStreams(protocol: string): Promise<void> {
  await waitFor(
    `no open ${protocol} streams`,
    async () => (await read()).value('pixelflow_open_streams', { protocol }),
    (streams) => streams === 0,
  )
}

const labels = (method: keyof typeof calls, type: string) => ({
  grpc_service: service,
  grpc_method: calls[method].name,
  grpc_type: type,
})

/** The log lines of calls and requests since the last call. */
function linesOf(): () => Record<string, unknown>[] {
  let from = gateway.logs.length
  return () => {
    const lines = gateway.logs.slice(from).filter((line) => line['path'] !== '/metrics')
    from = gateway.logs.length
    return lines.filter(({ msg }) =>
      ['call', 'call failed', 'request', 'request failed'].includes(String(msg)),
    )
  }
}

describe.each(['grpc', 'grpc_web', 'connect'] as const)('calls over %s', (protocol) => {
  let web: Client<typeof ImageService>
  beforeAll(() => {
    const options = { baseUrl: gateway.url, useBinaryFormat: true }
    const transport =
      protocol === 'connect' ? createConnectTransport(options) : createGrpcWebTransport(options)
    web = createClient(ImageService, transport)
  })
  const refused = (promise: Promise<unknown>) =>
    promise.then(
      () => Promise.reject(new Error('not refused')),
      (error: unknown) => ConnectError.from(error),
    )
  const getTask = (id: string) =>
    protocol === 'grpc' ? native.unary(calls.getTask, { id }) : web.getTask({ id })
  async function* watch(id: string, signal: AbortSignal) {
    if (protocol !== 'grpc') return yield* web.watchTask({ id }, { signal })
    const call = native.serverStream(calls.watchTask, { id })
    call.on('error', () => {})
    signal.addEventListener('abort', () => call.cancel())
    yield* call
  }

  test('are counted and logged once each', async () => {
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    const lines = linesOf()
    const unary = labels('getTask', 'unary')
    await grows('grpc_server_started_total', unary, 3, () =>
      grows('grpc_server_handled_total', { ...unary, grpc_code: 'OK' }, 2, () =>
        grows('grpc_server_handled_total', { ...unary, grpc_code: 'NotFound' }, 1, () =>
          grows('grpc_server_handling_seconds_count', unary, 3, () =>
            grows('grpc_server_msg_received_total', unary, 3, () =>
              grows('grpc_server_msg_sent_total', unary, 2, () =>
                grows('pixelflow_rpcs_started_total', { protocol }, 3, async () => {
                  await getTask(id)
                  await getTask(id)
                  await getTask('none').catch(() => {})
                }),
              ),
            ),
          ),
        ),
      ),
    )
    const found = lines()
    expect(found.map((line) => [line['msg'], line['method'], line['status'], line['code']])).toEqual([
      ['call', `${service}/GetTask`, 'OK', undefined],
      ['call', `${service}/GetTask`, 'OK', undefined],
      ['call', `${service}/GetTask`, 'NotFound', 'task_not_found'],
    ])
    for (const line of found) {
      expect(line).toMatchObject({
        protocol,
        account: 'local',
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      })
      expect(line['requestId']).toBeString()
      expect(line['ms']).toBeNumber()
    }
  })

  test('with streams are counted with their messages, also when the client disconnects', async () => {
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    const stream = labels('watchTask', 'server_stream')
    const lines = linesOf()
    await grows('grpc_server_msg_sent_total', stream, 2, () =>
      grows('grpc_server_handled_total', { ...stream, grpc_code: 'Canceled' }, 1, async () => {
        const leaving = new AbortController()
        const seen: unknown[] = []
        const watched = (async () => {
          for await (const one of watch(id, leaving.signal)) seen.push(one)
        })().catch(() => {})
        await waitFor('first event received', () => seen.length)
        expect((await read()).value('pixelflow_open_streams', { protocol })).toBe(1)
        expect((await read()).value('pixelflow_watchers')).toBe(1)
        await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
        await waitFor(
          'second event received',
          () => seen.length,
          (length) => length === 2,
        )
        leaving.abort()
        await watched
      }),
    )
    await waitForNoStreams(protocol)
    expect(lines().map((line) => [line['method'], line['status'], line['code']])).toEqual([
      [`${service}/WatchTask`, 'Canceled', 'cancelled'],
    ])
  })

  test('with invalid or too large messages are counted and logged', async () => {
    const unary = labels('getTask', 'unary')
    const lines = linesOf()
    await grows('grpc_server_handled_total', { ...unary, grpc_code: 'ResourceExhausted' }, 1, () =>
      grows('grpc_server_started_total', unary, 1, async () => {
        const id = 'x'.repeat(5 * 2 ** 20)
        if (protocol === 'grpc') expect((await failure(native.unary(calls.getTask, { id }))).code).toBe(8)
        else await refused(web.getTask({ id }))
      }),
    )
    expect(lines().map((line) => [line['method'], line['status']])).toEqual([
      [`${service}/GetTask`, 'ResourceExhausted'],
    ])
    expect((await read()).value('grpc_server_started_total')).toBe(
      (await read()).value('grpc_server_handled_total'),
    )
  })
})

test('an unknown call is logged and has no series', async () => {
  const lines = linesOf()
  const before = (await read()).series('grpc_server_handled_total').length
  const path = `/pixelflow.v1.ImageService/${'N'.repeat(300)}`
  const call = new Promise((resolve, reject) => {
    const same = (bytes: Buffer) => bytes
    native.client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, answer) =>
      error ? reject(error) : resolve(answer),
    )
  })
  expect((await failure(call)).code).toBe(12)
  expect((await read()).series('grpc_server_handled_total')).toHaveLength(before)
  const [line, ...others] = lines()
  expect(others).toEqual([])
  expect(line).toMatchObject({
    msg: 'call',
    status: 'Unimplemented',
    protocol: 'grpc',
    requestId: expect.any(String),
  })
  expect(String(line?.['method'])).toHaveLength(199)
})

test('uploads and downloads are counted in messages and bytes', async () => {
  const upload = labels('upload', 'client_stream')
  await grows('grpc_server_msg_received_total', upload, 2 + Math.ceil(photo.length / 1000), () =>
    grows('pixelflow_upload_bytes_total', {}, photo.length, () => uploadWhole(native, photo, 1000)),
  )
  const { id } = await gateway.image(photo)
  await grows('pixelflow_download_bytes_total', {}, 2 * photo.length, async () => {
    await (await gateway.call(`/api/v1/images/${id}/content`)).bytes()
    for await (const _ of native.serverStream(calls.download, { source: { case: 'image', value: id } }));
  })
})

test('tasks are counted when they are created, over every transport', async () => {
  const { id } = await gateway.image(photo)
  await grows('tasks_queued_total', { lane: 'interactive' }, 3, async () => {
    const first = await gateway.submit(id)
    await native.unary(calls.createTask, { image: id, recipe })
    await native.unary(calls.cancelTask, { id: first.id })
    await native.unary(calls.retryTask, { id: first.id })
  })
  await grows('tasks_queued_total', { lane: 'bulk' }, 1, async () => {
    const body = { image: id, recipe: 'flip', lane: 'bulk' }
    const init = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const again = { ...init, headers: { ...init.headers, 'idempotency-key': crypto.randomUUID() } }
    for (let n = 0; n < 2; n += 1) await gateway.call('/api/v1/tasks', { method: 'POST', ...again })
  })
})

describe('requests', () => {
  test('are counted by path template, not by path', async () => {
    const route = '/api/v1/tasks/{id}'
    await grows('http_requests_total', { method: 'GET', route, status: '404' }, 20, () =>
      Promise.all(Array.from({ length: 20 }, (_, i) => gateway.call(`/api/v1/tasks/none-${i}`))),
    )
    await grows('http_request_duration_seconds_count', { route: '/health/live', method: 'GET' }, 1, () =>
      gateway.call('/health/live/'),
    )
    await grows('http_requests_total', { route: '/health/live', method: 'POST', status: '405' }, 1, () =>
      gateway.call('/health/live', { method: 'POST' }),
    )
  })

  test('with unknown paths and methods do not add series', async () => {
    const before = await read()
    const series = (reading: PrometheusMetrics) => reading.series('http_requests_total').length
    await grows('http_requests_total', { route: 'other' }, 300, () =>
      Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          gateway.call(`/${crypto.randomUUID()}/${i}`, {
            method: ['GET', 'POST', 'PROPFIND'][i % 3] ?? 'GET',
          }),
        ),
      ),
    )
    expect(series(await read()) - series(before)).toBeLessThanOrEqual(4)
  })

  test('for events are counted at the start, and as an open stream', async () => {
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    const leaving = new AbortController()
    const sse = { protocol: 'sse' }
    await grows('http_requests_total', { route: '/api/v1/tasks/{id}/events', status: '200' }, 1, async () => {
      const answer = await gateway.call(`/api/v1/tasks/${id}/events`, { signal: leaving.signal })
      await answer.body?.getReader().read()
    })
    expect((await read()).value('pixelflow_open_streams', sse)).toBe(1)
    leaving.abort()
    await waitForNoStreams('sse')
  })

  test('of probes are counted and logged at debug level', async () => {
    const lines = linesOf()
    await grows(
      'grpc_server_handled_total',
      { grpc_service: 'grpc.health.v1.Health', grpc_code: 'OK' },
      1,
      () => native.unary(Health.method.check, {}),
    )
    expect(lines().map((line) => line['level'])).toEqual(['debug'])
    const readings = gateway.logs.filter((line) => line['path'] === '/metrics')
    expect(new Set(readings.map((line) => line['level']))).toEqual(new Set(['debug']))
  })
})

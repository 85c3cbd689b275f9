import { afterAll, beforeAll, expect, test } from 'bun:test'
import { getEventListeners } from 'node:events'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import { storeTimeout } from '@pixelflow/nats/jetstream/store-timeout'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { openMeters } from '@pixelflow/platform/telemetry/meters'
import {
  ServerReflection,
  ServerReflectionResponseSchema,
} from '@pixelflow/proto/grpc/reflection/v1/reflection_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createAuthenticator } from '../../../accounts/authenticator.ts'
import { createIdleWatch } from '../../../limits/idle-watch.ts'
import { createRequestMemory } from '../../../limits/request-memory.ts'
import { createCallMeters } from '../../../metrics/call-meters.ts'
import { gatewayMetrics } from '../../../metrics/gateway-metrics.ts'
import { grpcClient, type GrpcClient } from '../../../testing/grpc-client.ts'
import { startDelayProxy } from '../../../testing/delay-proxy.ts'
import { createCallInterceptor } from '../call-interceptor.ts'
import type { Implementation } from '../implementation.ts'
import { bindNativeService } from './bind-native-service.ts'
import { createMessagePool } from './message-pool.ts'
import { createNativeInterceptor } from './native-interceptor.ts'
import { configureHttp2Server } from './configure-http2-server.ts'

const MiB = 2 ** 20
const callInterceptor = createCallInterceptor({
  authenticator: createAuthenticator(undefined),
  memory: createRequestMemory({ totalBytes: 64 * MiB, perAccountBytes: 64 * MiB, perPeerBytes: 64 * MiB }),
  refusalBudget: { count: () => {}, isAnySpent: false, isSpent: () => false, earlyRefusal: () => undefined },
  meters: createCallMeters(openMeters(gatewayMetrics), () => () => {}),
  storeTimeout,
  log: createLogger({ service: 'test', write: () => {} }),
})
const interceptor = createNativeInterceptor({
  callInterceptor,
  pool: createMessagePool(),
  idle: createIdleWatch(60_000),
})
const server = new Server({ interceptors: [interceptor.interceptor] })
let port: number

beforeAll(async () => {
  configureHttp2Server(server)
  const processing = {
    // Reads one message, then nothing until the client cancels.
    async *processImage(pieces, { signal }) {
      await pieces[Symbol.asyncIterator]().next()
      yield { data: { case: 'chunk', value: new Uint8Array(1) } }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
  } satisfies Partial<Implementation<typeof ImageService>>
  bindNativeService(
    server,
    ImageService,
    processing as unknown as Implementation<typeof ImageService>,
    interceptor,
  )
  bindNativeService(
    server,
    ServerReflection,
    {
      // `many` sends 500 messages and then the number of listeners; `failing` sends some and fails while it waits for a request.
      async *serverReflectionInfo(questions, { signal }) {
        const asked = questions[Symbol.asyncIterator]()
        for (let next = await asked.next(); !next.done; next = await asked.next()) {
          const { host } = next.value
          if (host === 'failing') {
            asked.next().catch(() => {})
            for (let count = 0; count < 3; count++) yield { validHost: 'x'.repeat(MiB) }
            throw new Fault('unavailable', 'Try another gateway.')
          }
          if (host === 'many') {
            for (let count = 0; count < 500; count++) yield { validHost: 'x'.repeat(32 * 1024) }
            yield { validHost: String(getEventListeners(signal, 'abort').length) }
            return
          }
        }
      },
    },
    interceptor,
  )
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
})
afterAll(() => server.forceShutdown())

test('a client can send ahead no more than its window and a few messages', async () => {
  await using line = await startDelayProxy('127.0.0.1', port, 1)
  using client = grpcClient(`127.0.0.1:${line.port}`)
  const { processImage: method } = ImageService.method
  const call = client.client.makeBidiStreamRequest<number, Buffer>(
    `/${method.parent.typeName}/${method.name}`,
    (bytes) =>
      Buffer.from(
        toBinary(
          method.input,
          create(method.input, { data: { case: 'chunk', value: new Uint8Array(bytes) } }),
        ),
      ),
    (bytes) => bytes,
  )
  call.on('error', () => {})
  const answered = new Promise((resolve) => call.once('data', resolve))
  for (let count = 0; count < 40; count++) call.write(MiB)
  await answered
  const sentIn = async (ms: number) => {
    const before = line.countSent()
    await Bun.sleep(ms)
    return line.countSent() - before
  }
  await waitFor(
    'client sends nothing for 300 ms',
    () => sentIn(300),
    (bytes) => bytes === 0,
  )
  // The window is 4 MiB, a message 1 MiB. Reading sixteen messages ahead would exceed 20 MiB.
  expect(line.countSent()).toBeLessThan(12 * MiB)
  expect(callInterceptor.activeCalls).toBe(1)
  call.cancel()
  await waitFor(
    'call ended',
    () => callInterceptor.activeCalls,
    (count) => count === 0,
  )
}, 30_000)

test('a call has one abort listener, however many messages wait', async () => {
  using client = grpcClient(`127.0.0.1:${port}`)
  const hosts = await Array.fromAsync(reflect(client, 'many'))
  expect(hosts).toHaveLength(501)
  expect(Number(hosts.at(-1))).toBe(1)
}, 30_000)

test('an error while messages are being written arrives after them', async () => {
  await using line = await startDelayProxy('127.0.0.1', port, 20)
  using client = grpcClient(`127.0.0.1:${line.port}`)
  const lengths: number[] = []
  const end = await (async () => {
    for await (const host of reflect(client, 'failing')) lengths.push(host.length)
  })().catch((error: ServiceError) => error)
  expect(lengths).toEqual([MiB, MiB, MiB])
  expect(end).toMatchObject({ code: 14, details: 'Try another gateway.' })
}, 30_000)

/** Sends one request, keeps the stream open, and returns the `valid_host` of each response. */
function reflect({ client }: GrpcClient, host: string): AsyncIterable<string> {
  const { serverReflectionInfo: method } = ServerReflection.method
  const call = client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (asked: string) => Buffer.from(toBinary(method.input, create(method.input, { host: asked }))),
    (bytes) => fromBinary(ServerReflectionResponseSchema, bytes).validHost,
  )
  call.write(host)
  return call
}

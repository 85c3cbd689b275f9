import { afterAll, beforeAll, expect, test } from 'bun:test'
import { getEventListeners } from 'node:events'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createLog } from '@pixelflow/fabric/telemetry/log'
import { openMeters } from '@pixelflow/fabric/telemetry/metrics'
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '@pixelflow/proto/grpc/reflection/v1/reflection_pb'
import { createAdmission } from '../../../accounts/admission.ts'
import { createCallMeters } from '../../../metrics/calls.ts'
import { gatewayMetrics } from '../../../metrics/table.ts'
import { until } from '../../../testing/gateway.ts'
import { grpcClient } from '../../../testing/grpc.ts'
import { slowLine } from '../../../testing/line.ts'
import { createDesk } from '../desk.ts'
import { bind } from './bind.ts'
import { createReception } from './reception.ts'
import { widenWindows } from './windows.ts'

const MiB = 2 ** 20
const desk = createDesk({
  admission: createAdmission(undefined),
  meters: createCallMeters(openMeters(gatewayMetrics), () => () => {}),
  log: createLog({ room: 'test', write: () => {} }),
})
const reception = createReception(desk)
const server = new Server({ interceptors: [reception.interceptor] })
let port: number

beforeAll(async () => {
  widenWindows(server)
  bind(
    server,
    ServerReflection,
    {
      // Takes one message, then nothing until the client has gone; or gives many, the last with what is left behind.
      async *serverReflectionInfo(questions, { signal }) {
        for await (const { host } of questions) {
          if (host === 'many') {
            for (let count = 0; count < 500; count++) yield { validHost: 'x'.repeat(32 * 1024) }
            yield { validHost: String(getEventListeners(signal, 'abort').length) }
            return
          }
          yield { validHost: host.slice(0, 5) }
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        }
      },
    },
    reception,
  )
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
})
afterAll(() => server.forceShutdown())

test('a client sends no more ahead than its window and a few messages', async () => {
  await using line = await slowLine('127.0.0.1', port, 1)
  using client = grpcClient(`127.0.0.1:${line.port}`)
  const call = client.client.makeBidiStreamRequest<string, Buffer>(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (host) =>
      Buffer.from(toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { host }))),
    (bytes) => bytes,
  )
  call.on('error', () => {})
  const answered = new Promise((resolve) => call.once('data', resolve))
  for (let count = 0; count < 40; count++) call.write('x'.repeat(MiB))
  await answered
  let before = -1
  await until(async () => {
    const isQuiet = before === line.sent()
    before = line.sent()
    await Bun.sleep(300)
    return isQuiet
  })
  // The window is 4 MiB, a message 1; sixteen messages ahead would make it more than 20.
  expect(line.sent()).toBeLessThan(12 * MiB)
  expect(desk.underWay).toBe(1)
  call.cancel()
  await until(() => desk.underWay === 0)
}, 30_000)

test('however many messages wait for their client, the call keeps one listener', async () => {
  using client = grpcClient(`127.0.0.1:${port}`)
  const { serverReflectionInfo: method } = ServerReflection.method
  const call = client.client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (host: string) => Buffer.from(toBinary(method.input, create(method.input, { host }))),
    (bytes) => fromBinary(ServerReflectionResponseSchema, bytes).validHost,
  )
  call.write('many')
  const told: string[] = []
  for await (const host of call as AsyncIterable<string>) told.push(host)
  expect(told).toHaveLength(501)
  expect(Number(told.at(-1))).toBe(1)
}, 30_000)

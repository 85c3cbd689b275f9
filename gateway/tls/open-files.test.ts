import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect, type TLSSocket } from 'node:tls'
import type { IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { limitOpenFilesOf } from '@pixelflow/testkit/open-files'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import {
  fetchOptions,
  grpcCredentials,
  createTestCertificates,
  type TestCertificates,
} from '../testing/test-certificates.ts'
import { grpcClient } from '../testing/grpc-client.ts'

let certificates: TestCertificates
let stack: Stack
let gateway: GatewayProcess
let ann: IssuedCertificate
let ports: readonly number[]

beforeAll(async () => {
  certificates = await createTestCertificates()
  ann = await certificates.client('ann')
  stack = await startStack()
  gateway = await stack.gateway({ env: certificates.env })
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  ports = [Number(new URL(gateway.url).port), Number(grpc.split(':')[1])]
}, 60_000)
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

/** A client without a certificate. */
function handshake(port: number): TLSSocket {
  const socket = connect({ host: 'localhost', port, ca: certificates.authority.certificate })
  return socket.on('error', () => {}).on('secureConnect', () => socket.write('GET / HTTP/1.1\r\n'))
}

test('a TLS gateway without file descriptors refuses connections, and serves later ones', async () => {
  const unlimited = limitOpenFilesOf(gateway.pid, 20)
  const sockets = Array.from({ length: 200 }, (_, i) => handshake(ports[i % 2 === 0 ? 0 : 1] ?? 0))
  const refused = JSON.parse(await gateway.line(hasMessage('connection refused'))) as Record<string, unknown>
  expect(refused).toMatchObject({ level: 'warn', listener: 'http', reason: 'EMFILE' })
  for (const socket of sockets) socket.destroy()
  await waitFor('all sockets closed', () => sockets.every(({ closed }) => closed))
  unlimited()

  const health = `${gateway.url.replace('http:', 'https:')}/health/live`
  expect((await fetch(health, fetchOptions(certificates.authority, ann))).status).toBe(200)
  using client = grpcClient(`localhost:${ports[1]}`, {}, grpcCredentials(certificates.authority, ann))
  expect(await client.unary(ImageService.method.listTasks, {})).toMatchObject({ items: [] })
}, 60_000)

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:tls'
import type { IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import {
  fetchOptions,
  grpcCredentials,
  createTestCertificates,
  type TestCertificates,
} from '../testing/test-certificates.ts'
import { grpcClient, uploadWhole } from '../testing/grpc-client.ts'
import { startDelayProxy } from '../testing/delay-proxy.ts'
import { checkStalledReaders } from '../testing/stalled-readers.ts'

/** The tests of the Bun workarounds again with TLS, because Bun's TLS sockets are a different implementation. */

const calls = ImageService.method
const MiB = 2 ** 20
let certificates: TestCertificates
let stack: Stack
let gateway: GatewayProcess
let port: number
let ann: IssuedCertificate

beforeAll(async () => {
  certificates = await createTestCertificates()
  ann = await certificates.client('ann')
  stack = await startStack()
  gateway = await stack.gateway({ env: certificates.env })
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  port = Number(grpc.split(':')[1])
}, 60_000)
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

const clientAt = (at: number) =>
  grpcClient(`localhost:${at}`, {}, grpcCredentials(certificates.authority, ann))

test('4,000 calls on one connection succeed', async () => {
  using client = clientAt(port)
  const responses = await Promise.all(Array.from({ length: 4000 }, () => client.unary(calls.listTasks, {})))
  expect(responses).toHaveLength(4000)
}, 60_000)

test('with a round trip of 24 ms, megabytes are in flight', async () => {
  await using line = await startDelayProxy('127.0.0.1', port, 12)
  using client = clientAt(line.port)
  const file = new Uint8Array(12 * MiB)
  file.set(await sampleImage({ width: 640, height: 480 }))
  expect((await uploadWhole(client, file, MiB / 4))?.bytes).toBe(BigInt(file.length))
  expect(line.maxInFlightBytes()).toBeGreaterThan(MiB)
}, 60_000)

test('clients that do not read use little memory, which is freed when they reset', async () => {
  using client = clientAt(port)
  await checkStalledReaders(client, gateway.pid, underWay)
}, 60_000)

test('a stopping gateway ends event streams and does not wait for idle connections', async () => {
  await using stopping = await stack.gateway({ env: certificates.env })
  const url = stopping.url.replace('http:', 'https:')
  const options = fetchOptions(certificates.authority, ann)
  const body = new Uint8Array(await sampleImage({ width: 9, height: 9 }))
  const headers = { 'content-type': 'image/jpeg' }
  const sent = await fetch(`${url}/api/v1/images`, { method: 'POST', body, headers, ...options })
  const { id: image } = (await sent.json()) as { id: string }
  const made = await fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    body: JSON.stringify({ image, recipe: 'flip' }),
    headers: { 'content-type': 'application/json' },
    ...options,
  })
  const { id } = (await made.json()) as { id: string }
  const events = await fetch(`${url}/api/v1/tasks/${id}/events`, options)
  const watching = events.text()
  const idle = connect({
    port: Number(new URL(url).port),
    host: 'localhost',
    ca: certificates.authority.certificate,
  })
  idle.on('error', () => {})
  await new Promise((resolve) => idle.once('secureConnect', resolve))
  stopping.signal('SIGTERM')
  expect(await watching).toContain('event: queued')
  expect(await stopping.exited).toBe(0)
  await waitFor('idle connection closed', () => idle.closed)
}, 30_000)

async function underWay(): Promise<number> {
  const url = gateway.url.replace('http:', 'https:')
  const health = await fetch(`${url}/health/`, fetchOptions(certificates.authority))
  return ((await health.json()) as { load: { calls: number } }).load.calls
}

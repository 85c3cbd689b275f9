import { expect, test } from 'bun:test'
import { connect } from 'node:tls'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { fetchOptions } from '../testing/test-certificates.ts'
import { startTlsStack, type TlsStack } from '../testing/tls-stack.ts'
import { uploadWhole } from '../testing/grpc-client.ts'
import { startDelayProxy } from '../testing/delay-proxy.ts'
import { checkStalledReaders } from '../testing/stalled-readers.ts'

/** The tests of the Bun workarounds again with TLS, because Bun's TLS sockets are a different implementation. */

const calls = ImageService.method
const MiB = 2 ** 20
let tls: TlsStack
useFixture(startTlsStack, (opened) => (tls = opened))

test('4,000 calls on one connection succeed', async () => {
  using client = tls.client()
  const responses = await Promise.all(Array.from({ length: 4000 }, () => client.unary(calls.listTasks, {})))
  expect(responses).toHaveLength(4000)
}, 60_000)

test('with a round trip of 24 ms, megabytes are in flight', async () => {
  await using line = await startDelayProxy('127.0.0.1', tls.grpcPort, 12)
  using client = tls.client(line.port)
  const file = new Uint8Array(12 * MiB)
  file.set(await sampleImage({ width: 640, height: 480 }))
  expect((await uploadWhole(client, file, MiB / 4))?.bytes).toBe(BigInt(file.length))
  expect(line.maxInFlightBytes()).toBeGreaterThan(MiB)
}, 60_000)

test('clients that do not read use little memory, which is freed when they reset', async () => {
  using client = tls.client()
  await checkStalledReaders(client, tls.gateway.pid, underWay)
}, 60_000)

test('a stopping gateway ends event streams and does not wait for idle connections', async () => {
  const { stack, certificates, ann } = tls
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
  const health = await fetch(`${tls.url}/health/`, fetchOptions(tls.certificates.authority))
  return ((await health.json()) as { load: { calls: number } }).load.calls
}

import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { floodGrpc } from './testing/flood-grpc.ts'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'
import { grpcClient } from './testing/grpc-client.ts'

/** After too many refusals, a client is refused at little cost; authenticated clients at the same address are unaffected. */

let gateway: TestGateway
useFixture(
  () => openTestGateway({ env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' } }),
  (opened) => (gateway = opened),
)

const metadata = { authorization: 'Bearer secret-of-ann' }
const send = (headers: Record<string, string>) =>
  gateway.call('/api/v1/images', {
    method: 'POST',
    body: new Uint8Array(1000),
    headers: { 'content-type': 'image/jpeg', ...headers },
  })
const refusalLines = () => gateway.logs.filter(({ code }) => code === 'unauthenticated').length

test('HTTP: after some refusals with the reason, further requests are refused without a log line each', async () => {
  const statuses: number[] = []
  for (let at = 0; at < 400; at += 1) statuses.push((await send({ authorization: 'Bearer wrong' })).status)
  expect(statuses.slice(0, 100).every((status) => status === 401)).toBe(true)
  expect(statuses).toContain(503)
  expect(refusalLines()).toBe(statuses.filter((status) => status === 401).length)

  const photo = await sampleImage({ width: 30, height: 20 })
  const body = photo as Uint8Array<ArrayBuffer>
  const headers = { 'content-type': 'image/jpeg', ...metadata }
  expect((await gateway.call('/api/v1/images', { method: 'POST', body, headers })).status).toBe(201)
  expect((await gateway.call('/health/live')).status).toBe(200)
}, 60_000)

test('native gRPC: a connection with many unauthenticated calls ends before most of them are processed', async () => {
  const flood = () =>
    floodGrpc({
      address: gateway.grpcAddress,
      connections: 1,
      streams: 256,
      path: '/pixelflow.v1.ImageService/GetTask',
      declaredBytes: 1000,
      sentBytes: 10,
    })
  using first = await flood()
  await waitFor(
    'calls of the first flood ended',
    () => first.ended,
    (ended) => ended === first.opened,
  )
  const before = refusalLines()
  using second = await flood()
  await waitFor(
    'calls of the second flood ended',
    () => second.ended,
    (ended) => ended === second.opened,
  )
  expect(refusalLines() - before).toBeLessThan(100)

  using client = grpcClient(gateway.grpcAddress)
  const calls = ImageService.method
  await Promise.all(Array.from({ length: 10 }, () => client.unary(calls.listTasks, {}, { metadata })))
  const many = Array.from({ length: 100 }, () => client.unary(calls.listTasks, {}, { metadata }))
  expect(await Promise.all(many)).toHaveLength(100)
  expect(await client.unary(calls.getVersion, {}, { metadata })).toMatchObject({ version: '0.1.0' })
}, 60_000)

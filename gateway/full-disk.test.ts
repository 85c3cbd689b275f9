import { expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { settlesInTime } from './testing/broker-faults.ts'
import { openTestGateway } from './testing/test-gateway.ts'
import { grpcClient } from './testing/grpc-client.ts'
import type { HealthView } from './transports/shared/health-view.ts'

test('while the disk of the broker is full, the gateway is not ready and answers calls', async () => {
  await using disk = await mountSmallDisk(64 * 2 ** 20)
  await using gateway = await openTestGateway({ nats: { store: `${disk.path}/store` } })
  using client = grpcClient(gateway.grpcAddress)
  const photo = await sampleImage({ width: 1200, height: 900 })
  const upload = (headers: Record<string, string>) =>
    gateway.call('/api/v1/images', {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg', ...headers },
      body: photo as Uint8Array<ArrayBuffer>,
    })
  const ready = async () => (await gateway.call('/health/ready')).status
  const readHealth = async () => (await (await gateway.call('/health/')).json()) as HealthView
  expect(await ready()).toBe(200)
  expect((await readHealth()).checks.writes).toEqual({ ok: true, ageMs: expect.any(Number) as number })
  const { records } = await gateway.messages()

  await disk.fill()
  await waitFor('gateway not ready', ready, (status) => status === 503, { timeoutMs: 30_000 })
  const { writes, broker } = (await readHealth()).checks
  expect(broker.ok).toBe(true)
  expect(writes).toMatchObject({
    ok: false,
    detail: expect.stringContaining('restart nats-server') as string,
  })
  expect((await client.unary(Health.method.check, {})).status).toBe(Serving.NOT_SERVING)
  const key = { 'idempotency-key': crypto.randomUUID() }
  const responses = await Promise.all([
    settlesInTime('upload', upload({})),
    settlesInTime('keyed upload', upload(key)),
  ])
  for (const answer of responses) {
    expect(answer.status).toBe(503)
    expect(answer.headers.has('retry-after')).toBe(true)
    expect((await answer.json()) as Problem).toMatchObject({ remedy: expect.any(String) as string })
  }

  await disk.empty()
  await gateway.nats.restart()
  await waitFor('gateway ready', ready, (status) => status === 200, { timeoutMs: 30_000 })
  const ids = new Set<string>()
  const tryUpload = async () => {
    const answer = await upload(key)
    if (answer.status !== 201) expect([409, 503]).toContain(answer.status)
    return answer
  }
  for (let n = 0; n < 2; n += 1) {
    const isStored = ({ status }: Response) => status === 201
    const answer = await waitFor('image stored', tryUpload, isStored, { timeoutMs: 60_000 })
    ids.add(((await answer.json()) as { id: string }).id)
  }
  expect(ids.size).toBe(1)
  expect((await gateway.messages()).records).toBe(records + 1)
}, 180_000)

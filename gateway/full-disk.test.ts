import { expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { sampleImage } from '@pixelflow/testkit/images'
import { settlesInTime } from './testing/broker-faults.ts'
import { openTestGateway, until } from './testing/test-gateway.ts'
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
  const look = async () => (await (await gateway.call('/health/')).json()) as HealthView
  expect(await ready()).toBe(200)
  expect((await look()).checks.writes).toEqual({ ok: true, ageMs: expect.any(Number) as number })
  const { records } = await gateway.messages()

  await disk.fill()
  await until(async () => (await ready()) === 503, 30_000)
  const { writes, broker } = (await look()).checks
  expect(broker.ok).toBe(true)
  expect(writes).toMatchObject({
    ok: false,
    detail: expect.stringContaining('restart nats-server') as string,
  })
  expect((await client.unary(Health.method.check, {})).status).toBe(Serving.NOT_SERVING)
  const key = { 'idempotency-key': crypto.randomUUID() }
  const answers = await Promise.all([
    settlesInTime('upload', upload({})),
    settlesInTime('keyed upload', upload(key)),
  ])
  for (const answer of answers) {
    expect(answer.status).toBe(503)
    expect(answer.headers.has('retry-after')).toBe(true)
    expect((await answer.json()) as Problem).toMatchObject({ remedy: expect.any(String) as string })
  }

  await disk.empty()
  await gateway.nats.restart()
  await until(async () => (await ready()) === 200, 30_000)
  const ids = new Set<string>()
  for (let made = 0; made < 2;) {
    const answer = await upload(key)
    if (answer.status !== 201) expect([409, 503]).toContain(answer.status)
    else {
      ids.add(((await answer.json()) as { id: string }).id)
      made += 1
    }
  }
  expect(ids.size).toBe(1)
  expect((await gateway.messages()).records).toBe(records + 1)
}, 180_000)

import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { residentBytes, says } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { until } from '../../../testing/gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc.ts'

const calls = ImageService.method
const MiB = 2 ** 20

test('clients that do not read are given little, and forgotten when they reset', async () => {
  await using stack = await startStack()
  const gateway = await stack.gateway()
  const ready = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  using client = grpcClient(ready.grpc)
  const file = new Uint8Array(24 * MiB)
  file.set(await sampleImage({ width: 640, height: 480 }))
  const image = (await uploadWhole(client, file, MiB / 4))?.id ?? ''
  const source = { case: 'image' as const, value: image }
  // Once for what is only ever taken once.
  for await (const _ of client.down(calls.download, { source }));

  const before = await residentBytes(gateway.pid)
  const stalled = Array.from({ length: 40 }, () => client.down(calls.download, { source }))
  for (const call of stalled) call.on('error', () => {})
  await until(async () => (await leavingCalls()) === 40)
  await Bun.sleep(1000)
  // All of it would be 960 MiB.
  const taken = (await residentBytes(gateway.pid)) - before
  expect(taken).toBeLessThan(240 * MiB)
  for (const call of stalled) call.cancel()
  await until(async () => (await leavingCalls()) === 0)
  expect(await client.unary(calls.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({ version: '0.1.0' })

  async function leavingCalls(): Promise<number> {
    const health = (await (await fetch(`${gateway.url}/health/`)).json()) as { load: { calls: number } }
    return health.load.calls
  }
}, 60_000)

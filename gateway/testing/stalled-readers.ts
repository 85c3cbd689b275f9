import { expect } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { residentBytes } from '@pixelflow/testkit/process'
import { until } from './test-gateway.ts'
import { uploadWhole, type GrpcClient } from './grpc.ts'

const calls = ImageService.method
const MiB = 2 ** 20
const readers = 40

/**
 * Forty clients ask for 24 MiB each and read nothing: the gateway must hold little for them, forget them when they
 * reset, and go on. Only tests use this.
 * @param underWay how many calls the gateway has open.
 */
export async function checkStalledReaders(
  client: GrpcClient,
  pid: number,
  underWay: () => Promise<number>,
): Promise<void> {
  const file = new Uint8Array(24 * MiB)
  file.set(await sampleImage({ width: 640, height: 480 }))
  const image = (await uploadWhole(client, file, MiB / 4))?.id ?? ''
  const source = { case: 'image' as const, value: image }
  // Once for what is only ever taken once.
  for await (const _ of client.down(calls.download, { source }));

  const before = await residentBytes(pid)
  const stalled = Array.from({ length: readers }, () => client.down(calls.download, { source }))
  for (const call of stalled) call.on('error', () => {})
  await until(async () => (await underWay()) === readers)
  await Bun.sleep(1000)
  // All of it would be 960 MiB.
  expect((await residentBytes(pid)) - before).toBeLessThan(240 * MiB)
  for (const call of stalled) call.cancel()
  await until(async () => (await underWay()) === 0)
  expect(await client.unary(calls.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({ version: '0.1.0' })
}

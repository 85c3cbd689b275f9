import { expect } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { residentBytes } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import manifest from '../package.json'
import { uploadWhole, type GrpcClient } from './grpc-client.ts'

const calls = ImageService.method
const MiB = 2 ** 20
const readers = 40

/**
 * Forty clients download 24 MiB each and read nothing: the gateway must hold little memory for them, end their calls when
 * they reset, and keep serving.
 * @param activeCalls returns the number of active calls of the gateway
 */
export async function checkStalledReaders(
  client: GrpcClient,
  pid: number,
  activeCalls: () => Promise<number>,
): Promise<void> {
  const file = new Uint8Array(24 * MiB)
  file.set(await sampleImage({ width: 640, height: 480 }))
  const image = (await uploadWhole(client, file, MiB / 4))?.id ?? ''
  const source = { case: 'image' as const, value: image }
  // A first download allocates what later ones reuse.
  for await (const _ of client.serverStream(calls.download, { source }));

  const before = await residentBytes(pid)
  const stalled = Array.from({ length: readers }, () => client.serverStream(calls.download, { source }))
  for (const call of stalled) call.on('error', () => {})
  await waitFor('all downloads active', activeCalls, (active) => active === readers)
  // The gateway sends as much as it can.
  await Bun.sleep(1000)
  // All downloads together are 960 MiB.
  expect((await residentBytes(pid)) - before).toBeLessThan(240 * MiB)
  for (const call of stalled) call.cancel()
  await waitFor('all downloads ended', activeCalls, (active) => active === 0)
  expect(await client.unary(calls.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({
    version: manifest.version,
  })
}

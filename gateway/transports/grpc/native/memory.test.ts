import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'
import { findOrphanedChunks } from '../../../testing/orphaned-chunks.ts'
import { seeded, stressCalls } from '../../../testing/stress.ts'

const calls = ImageService.method
const MiB = 2 ** 20

const recipe = { kind: { case: 'stringValue' as const, value: 'resize:40/format:webp' } }
const width = 40
const workWidth = 8
const batchesPerRound = 8
const rounds = 6

test('the memory of a gateway does not grow with cancelled, cut off or unread calls', async () => {
  await using gateway = await startLoadedGateway()
  await gateway.stack.actor()
  using client = grpcClient(gateway.grpcAddress)
  const file = await sampleImage({ width: 300, height: 200 })
  const large = new Uint8Array(4 * MiB)
  large.set(file)
  const image = (await uploadWhole(client, large))?.id ?? ''
  const random = seeded(11)

  let warm = 0
  for (let round = 0; round < rounds; round++) {
    // The stress calls watch this task while it runs and after its end.
    const { task } = await client.unary(calls.createTask, { image, recipe })
    const targets = { address: gateway.grpcAddress, image, task: task?.id ?? '', file }
    for (let count = 0; count < batchesPerRound; count++) {
      const how = count % 2 === 0 ? 'cancelled' : 'cut off'
      await stressCalls(targets, { width, how, random })
      await stressCalls(targets, { width: workWidth, how, random, isWork: true })
    }
    await gateway.idle()
    // The first rounds allocate what stays: compiled code, pools, and the heap.
    if (round === 2) warm = await gateway.residentBytes()
  }
  const most = warm + 64 * MiB
  expect(await gateway.waitForResidentBytes(most)).toBeLessThanOrEqual(most)
  await waitFor(
    'no orphaned chunks',
    () => findOrphanedChunks(gateway.stack.nats),
    (chunks) => chunks.length === 0,
  )

  // No slot is leaked: this call still gets memory and a worker.
  const { result } = await client.unary(
    calls.processImageUnary,
    { image: file, recipe },
    { deadlineMs: 20_000 },
  )
  expect(result).toMatchObject({ width: 40, task: '' })
  expect((await gateway.load()).calls).toBe(0)
}, 180_000)

import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { grpcClient, uploadWhole } from '../../../testing/grpc.ts'
import { startLoadedGateway } from '../../../testing/load.ts'
import { orphans } from '../../../testing/orphans.ts'
import { seeded, storm } from '../../../testing/storm.ts'

const calls = ImageService.method
const MiB = 2 ** 20

const width = 40
const stormsInRound = 8
const rounds = 6

test('a gateway stays as large as it is, whatever its clients give up, cut off or leave unread', async () => {
  await using gateway = await startLoadedGateway()
  using client = grpcClient(gateway.grpcAddress)
  const file = new Uint8Array(4 * MiB)
  file.set(await sampleImage({ width: 300, height: 200 }))
  const image = (await uploadWhole(client, file))?.id ?? ''
  const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
  const { task } = await client.unary(calls.createTask, { image, recipe })
  const targets = { address: gateway.grpcAddress, image, task: task?.id ?? '' }
  const random = seeded(11)

  const resident: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let count = 0; count < stormsInRound; count++) {
      await storm(targets, { width, how: count % 2 === 0 ? 'cancelled' : 'cut off', random })
    }
    await gateway.idle()
    resident.push(await gateway.settledBytes())
  }
  // The first rounds make what stays: compiled code, pools, the heap at its size.
  const [, , settled = 0, ...later] = resident
  expect(Math.max(...later) - settled).toBeLessThan(64 * MiB)
  expect(await client.unary(calls.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({ version: '0.1.0' })
  expect(await orphans(gateway.stack.nats)).toEqual([])
}, 180_000)

import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway } from '../../../testing/test-gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'

const MiB = 2 ** 20

test('an upload of 200 MiB in messages of 512 KiB succeeds with a memory limit of 16 MiB', async () => {
  await using gateway = await openTestGateway({ env: { PIXELFLOW_REQUEST_MEMORY: '16MiB' } })
  using client = grpcClient(gateway.grpcAddress)
  const file = new Uint8Array(200 * MiB)
  file.set(await sampleImage({ width: 40, height: 30 }))
  expect((await uploadWhole(client, file, MiB / 2))?.bytes).toBe(BigInt(file.length))
}, 120_000)

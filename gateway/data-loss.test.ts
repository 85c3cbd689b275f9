import { expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { connect } from '@pixelflow/nats/connection/connect'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway } from './testing/test-gateway.ts'
import { failure, grpcClient } from './testing/grpc-client.ts'

const log = createLogger({ service: 'test', level: 'error', format: 'json' })

test('missing stored bytes are reported as data loss over HTTP and gRPC until the same file is uploaded again', async () => {
  await using gateway = await openTestGateway()
  const settings = readSettings(natsSettings, gateway.nats.env)
  await using broker = await connect({ settings, name: 'test', log })
  const bytes = await sampleImage({ width: 700, height: 600, noise: 64, quality: 95 })
  expect(bytes.length).toBeGreaterThan(300_000)
  const { id } = await gateway.image(bytes)
  await broker.request('$JS.API.STREAM.MSG.DELETE.OBJ_sources', JSON.stringify({ seq: 1 }))

  const path = `/api/v1/images/${id}/content`
  const refusal = await gateway.refusal(gateway.call(path))
  expect(refusal).toMatchObject({ status: 500, code: 'data_loss' })
  expect(refusal.remedy).toContain('Upload the same file again')
  using client = grpcClient(gateway.grpcAddress)
  const source = { case: 'image' as const, value: id }
  const down = Array.fromAsync(client.serverStream(ImageService.method.download, { source }))
  expect(await failure(down)).toMatchObject({ code: status.DATA_LOSS })

  await gateway.image(bytes)
  const again = await gateway.call(path)
  expect(Buffer.compare(Buffer.from(await again.arrayBuffer()), Buffer.from(bytes))).toBe(0)
})

import { expect, test } from 'bun:test'
import { openTestGateway } from '../../../testing/test-gateway.ts'

test('a used port is an error that names its setting', async () => {
  await using gateway = await openTestGateway()
  const [, port = ''] = gateway.grpcAddress.split(':')
  await expect(gateway.another({ PIXELFLOW_GRPC_PORT: port })).rejects.toThrow(
    `port ${port}: another process uses it. Stop that process, or set PIXELFLOW_GRPC_PORT to another port.`,
  )
}, 30_000)

import { test } from 'bun:test'
import { grpcClient } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'
import { checkStalledReaders } from '../../../testing/stalled-readers.ts'

test('downloads that clients do not read take little memory, and end when the clients reset them', async () => {
  await using gateway = await startLoadedGateway()
  using client = grpcClient(gateway.grpcAddress)
  await checkStalledReaders(client, gateway.process.pid, async () => (await gateway.load()).calls)
}, 60_000)

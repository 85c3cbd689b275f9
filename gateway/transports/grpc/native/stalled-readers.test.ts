import { test } from 'bun:test'
import { grpcClient } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'
import { checkStalledReaders } from '../../../testing/stalled-readers.ts'

test('clients that do not read are given little, and forgotten when they reset', async () => {
  await using gateway = await startLoadedGateway()
  using client = grpcClient(gateway.grpcAddress)
  await checkStalledReaders(client, gateway.process.pid, async () => (await gateway.load()).calls)
}, 60_000)

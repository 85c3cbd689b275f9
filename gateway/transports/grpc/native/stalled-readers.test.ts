import { test } from 'bun:test'
import { says } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { grpcClient } from '../../../testing/grpc-client.ts'
import { checkStalledReaders } from '../../../testing/stalled-readers.ts'

test('clients that do not read are given little, and forgotten when they reset', async () => {
  await using stack = await startStack()
  const gateway = await stack.gateway()
  const ready = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  using client = grpcClient(ready.grpc)
  await checkStalledReaders(client, gateway.pid, async () => {
    const health = (await (await fetch(`${gateway.url}/health/`)).json()) as { load: { calls: number } }
    return health.load.calls
  })
}, 60_000)

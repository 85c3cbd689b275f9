import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { hasMessage, type RunningProcess } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { startNameServer } from './name-server.ts'

/** The TypeScript client over several gateways. `balance.test.ts` tests the Go client. */

// grpc-js queries the name server in a dns:// address only with this variable, which it reads when it is loaded.
process.env['GRPC_NODE_USE_ALTERNATIVE_RESOLVER'] = 'true'
const { openGrpc } = await import('@pixelflow/client/grpc')

const age = { PIXELFLOW_GRPC_MAX_CONNECTION_AGE: '1s' }

test('calls find a gateway that joins a name and continue when one is killed, and a watch misses nothing', async () => {
  const port = String(await freePort())
  await using stack = await startStack({ env: { ...age, PIXELFLOW_API_TOKENS: 'ann:token-of-ann' } })
  const start = (host: string) => stack.gateway({ env: { PIXELFLOW_HOST: host, PIXELFLOW_GRPC_PORT: port } })
  const first = await start('127.0.0.1')
  const addresses = ['127.0.0.1']
  await using nameServer = await startNameServer(addresses)
  await using client = openGrpc({
    address: `dns://${nameServer.address}/gateways.pixelflow.test:${port}`,
    token: 'token-of-ann',
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': 200 },
  })
  const { id: image } = await client.upload(await sampleImage({ width: 60, height: 40 }))
  // Stays queued: there are no actors.
  const { id } = await client.createTask(image, 'resize:10')
  const watched = Array.fromAsync(client.watch(id), ({ kind }) => kind)
  await using load = startCalls(() => client.task(id))

  await waitForResponses(first, 20)
  addresses.push('127.0.0.2')
  const second = await start('127.0.0.2')
  // The client resolves the name again when the server closes the connection after a second.
  await waitForResponses(second, 20)
  await expectEvenLoad(first, second)

  first.signal('SIGKILL')
  await first.exited
  await waitForResponses(second, 100)
  const again = await start('127.0.0.1')
  await waitForResponses(again, 20)
  await expectEvenLoad(again, second)

  await client.cancel(id)
  expect(await watched).toEqual(['queued', 'cancelled'])
  expect(await load.failures()).toEqual([])
}, 120_000)

test('a list of addresses is balanced like a name', async () => {
  await using stack = await startStack({ env: age })
  const gateways = await Promise.all([stack.gateway(), stack.gateway()])
  const address = await Promise.all(gateways.map(grpcAddressOf))
  await using client = openGrpc({ address })
  const { id: image } = await client.upload(await sampleImage({ width: 60, height: 40 }))
  await using load = startCalls(() => client.image(image))
  const [first, second] = gateways
  await Promise.all([waitForResponses(first, 20), waitForResponses(second, 20)])
  await expectEvenLoad(first, second)
  // A gateway that is draining completes its calls and sends its clients to other gateways.
  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)
  await waitForResponses(second, 100)
  expect(await load.failures()).toEqual([])
}, 120_000)

/** Repeats a call, four at a time, until disposed. */
function startCalls(call: () => Promise<unknown>) {
  const failed: unknown[] = []
  let isStopped = false
  const working = Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (!isStopped) {
        await call().catch((error: unknown) => failed.push(error))
        // The rate of the calls.
        await Bun.sleep(10)
      }
    }),
  )
  const end = async () => {
    isStopped = true
    await working
  }
  return {
    async failures() {
      await end()
      return failed
    },
    [Symbol.asyncDispose]: end,
  }
}

/** Number of calls that a gateway has answered, by its log. */
function countResponses({ lines }: RunningProcess): number {
  return lines.filter(
    (line) => /ImageService\/Get(?:Task|Image)"/.test(line) && line.includes('"status":"OK"'),
  ).length
}

async function waitForResponses(gateway: RunningProcess, more: number): Promise<void> {
  const before = countResponses(gateway)
  await waitFor(
    `${more} calls answered`,
    () => countResponses(gateway) - before,
    (count) => count >= more,
    { timeoutMs: 30_000 },
  )
}

/** Expects that both gateways answer a fair part of 200 calls. */
async function expectEvenLoad(one: RunningProcess, other: RunningProcess): Promise<void> {
  const before = [countResponses(one), countResponses(other)]
  const counts = await waitFor(
    '200 calls answered',
    () => [countResponses(one) - (before[0] ?? 0), countResponses(other) - (before[1] ?? 0)] as const,
    ([first, second]) => first + second >= 200,
    { timeoutMs: 30_000 },
  )
  expect(Math.min(...counts)).toBeGreaterThan(50)
}

async function grpcAddressOf(gateway: RunningProcess): Promise<string> {
  return (JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }).grpc
}

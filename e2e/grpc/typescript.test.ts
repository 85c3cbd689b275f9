import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { says, type Running } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { startNames } from './names.ts'

/** The TypeScript client over several gateways; the Go one has the same test beside this. */

// Only with this does grpc-js ask the name server of an address, and it looks once, when it is loaded.
process.env['GRPC_NODE_USE_ALTERNATIVE_RESOLVER'] = 'true'
const { openGrpc } = await import('@pixelflow/client/grpc')

const age = { PIXELFLOW_GRPC_CONNECTION_AGE: '1s' }

test('calls find a gateway that joins a name, go on when one is killed, and a watch misses nothing', async () => {
  const port = String(await freePort())
  await using stack = await startStack({ env: { ...age, PIXELFLOW_API_TOKENS: 'ann:token-of-ann' } })
  const start = (host: string) => stack.gateway({ env: { PIXELFLOW_HOST: host, PIXELFLOW_GRPC_PORT: port } })
  const first = await start('127.0.0.1')
  const addresses = ['127.0.0.1']
  await using names = await startNames(addresses)
  await using client = openGrpc({
    address: `dns://${names.address}/gateways.pixelflow.test:${port}`,
    token: 'token-of-ann',
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': 200 },
  })
  const { id: image } = await client.upload(await sampleImage({ width: 60, height: 40 }))
  // Stays queued: there are no actors.
  const { id } = await client.createTask(image, 'resize:10')
  const watched = Array.fromAsync(client.watch(id), ({ kind }) => kind)
  await using load = loading(() => client.task(id))

  await answered(first, 20)
  addresses.push('127.0.0.2')
  const second = await start('127.0.0.2')
  // Its connection is old after a second: only then it looks who else there is by now.
  await answered(second, 20)
  await evenly(first, second)

  first.signal('SIGKILL')
  await first.exited
  await answered(second, 100)
  const again = await start('127.0.0.1')
  await answered(again, 20)
  await evenly(again, second)

  await client.cancel(id)
  expect(await watched).toEqual(['queued', 'cancelled'])
  expect(await load.failures()).toEqual([])
}, 120_000)

test('a list of addresses is one name', async () => {
  await using stack = await startStack({ env: age })
  const gateways = await Promise.all([stack.gateway(), stack.gateway()])
  const address = await Promise.all(gateways.map(grpcOf))
  await using client = openGrpc({ address })
  const { id: image } = await client.upload(await sampleImage({ width: 60, height: 40 }))
  await using load = loading(() => client.image(image))
  const [first, second] = gateways
  await Promise.all([answered(first, 20), answered(second, 20)])
  await evenly(first, second)
  // One that stops lets calls end and sends its clients elsewhere.
  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)
  await answered(second, 100)
  expect(await load.failures()).toEqual([])
}, 120_000)

/** Makes a call again and again, four at a time, until disposed. */
function loading(call: () => Promise<unknown>) {
  const failed: unknown[] = []
  let isOver = false
  const working = Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (!isOver) {
        await call().catch((error: unknown) => failed.push(error))
        await Bun.sleep(10)
      }
    }),
  )
  const end = async () => {
    isOver = true
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

/** Calls of the load that a gateway has answered so far, by its log. */
function count({ lines }: Running): number {
  return lines.filter(
    (line) => /ImageService\/Get(?:Task|Image)"/.test(line) && line.includes('"status":"OK"'),
  ).length
}

async function answered(gateway: Running, more: number): Promise<void> {
  const wanted = count(gateway) + more
  const deadline = performance.now() + 30_000
  while (count(gateway) < wanted) {
    if (performance.now() > deadline) throw new Error(`${count(gateway)} of ${wanted} calls have come.`)
    await Bun.sleep(20)
  }
}

/** Of two hundred calls each gets its part. */
async function evenly(one: Running, other: Running): Promise<void> {
  const before = [count(one), count(other)]
  const since = () => [count(one) - (before[0] ?? 0), count(other) - (before[1] ?? 0)] as const
  while (since()[0] + since()[1] < 200) await Bun.sleep(20)
  expect(Math.min(...since())).toBeGreaterThan(50)
}

async function grpcOf(gateway: Running): Promise<string> {
  return (JSON.parse(await gateway.line(says('ready'))) as { grpc: string }).grpc
}

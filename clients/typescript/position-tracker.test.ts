import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startRelay } from '@pixelflow/testkit/relay'
import { startStack, type GatewayProcess } from '@pixelflow/testkit/stack'
import type { Client } from './client.ts'
import { PixelflowError } from './pixelflow-error.ts'
import { openGrpc } from './grpc/open-grpc.ts'
import { openHttp } from './http/open-http.ts'
import { createPositionTracker } from './position-tracker.ts'

/**
 * Delay between the far gateway and NATS, in milliseconds. It is longer than a gateway waits for recent writes when a read
 * has no position.
 */
const farMs = 700

const scope = new AsyncDisposableStack()
let near: GatewayProcess
let far: GatewayProcess
let image: string
beforeAll(async () => {
  const stack = scope.use(await startStack())
  const relay = scope.use(await startRelay(stack.nats.port))
  near = await stack.gateway()
  far = await stack.gateway({ env: { NATS_URL: `nats://127.0.0.1:${relay.port}` } })
  relay.delay(farMs)
  await using client = openHttp({ url: near.url })
  image = (await client.upload(await sampleImage({ width: 60, height: 40 }))).id
}, 60_000)
afterAll(() => {
  // A graceful shutdown would be delayed by the relay.
  far?.signal('SIGKILL')
  return scope.disposeAsync()
}, 30_000)

/** Opens a client that writes through the near gateway and reads from the far one. */
function writeNearReadFar(): Client {
  return openHttp({
    url: near.url,
    fetch: (url, init) =>
      fetch(
        init.method === 'GET' ? url.replace(new URL(near.url).origin, new URL(far.url).origin) : url,
        init,
      ),
  })
}

/** Opens a client whose calls alternate between the gateways, so that it writes to one and reads from the other. */
async function alternate(): Promise<Client> {
  const ready = await Promise.all([near, far].map((gateway) => gateway.line(hasMessage('ready'))))
  return openGrpc({ address: ready.map((line) => (JSON.parse(line) as { grpc: string }).grpc) })
}

test.each([
  ['http', writeNearReadFar],
  ['grpc', alternate],
] as const)(
  "over %s, reads on any gateway include the client's earlier writes",
  async (_, open) => {
    await using client = await open()
    for (let n = 0; n < 2; n += 1) {
      const { id } = await client.createTask(image, 'flip')
      expect((await client.taskPage()).items[0]?.id).toBe(id)
      await client.deleteTask(id)
      expect((await client.taskPage()).items.map((task) => task.id)).not.toContain(id)
      // One additional call, so that the next iteration writes to the other gateway.
      await client.settings()
    }
  },
  60_000,
)

test('keeps the newest position when responses arrive out of order', async () => {
  const positions = createPositionTracker()
  const sent = () => positions.read((headers) => Promise.resolve(Object.values(headers)))
  expect(await sent()).toEqual([])
  for (const position of ['a.log', 'b.log', '9.log', null, undefined]) positions.record(position)
  expect(await sent()).toEqual(['b.log'])
  positions.record('1.other')
  expect(await sent()).toEqual(['1.other'])
})

test('discards a position that the server no longer knows, and repeats the read without it', async () => {
  const positions = createPositionTracker()
  positions.record('zz.log')
  const sent: number[] = []
  const read = () =>
    positions.read((headers) => {
      sent.push(Object.keys(headers).length)
      if ('pixelflow-position' in headers)
        throw new PixelflowError('invalid_request', 'Beyond the end.', { field: 'pixelflow-position' })
      return Promise.resolve('read')
    })
  expect(await read()).toBe('read')
  expect(await read()).toBe('read')
  expect(sent).toEqual([1, 0, 0])
})

import { describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { failure, grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import {
  frameTypes as types,
  message,
  rawHttp2,
  reset,
  startCall,
  type RawHttp2,
} from '../../../testing/raw-http2.ts'

const calls = ImageService.method
const connections = 150
const callsEach = 256
const all = connections * callsEach
const endStream = 1
const secret = 'secret-of-ann'

let gateway: TestGateway

useFixture(
  () => openTestGateway({ env: { PIXELFLOW_API_TOKENS: `ann:${secret}` } }),
  (opened) => (gateway = opened),
)

/** Connections that have sent only their settings. */
async function connectMany(count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => rawHttp2(gateway.grpcAddress)))
  const responseCounts = clients.map(() => 0)
  for (const [at, client] of clients.entries()) {
    client.onFrame(({ type, flags }) => {
      if (type === types.headers && flags & endStream) responseCounts[at] = (responseCounts[at] ?? 0) + 1
    })
  }
  return {
    clients,
    get answered() {
      return responseCounts.reduce((sum, one) => sum + one, 0)
    },
    /** Whether each connection has all responses or is closed: unauthenticated connections are closed after some refusals. */
    get isDone() {
      return clients.every(({ isClosed }, at) => isClosed || responseCounts[at] === callsEach)
    },
    [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()),
  }
}

/** Sends all calls of a connection in one write. */
function sendCalls(client: RawHttp2, path: string, end: (stream: number) => Buffer, count = callsEach): void {
  client.send(
    ...Array.from({ length: count }, (_, at) => {
      const stream = 2 * at + 1
      return Buffer.concat([startCall(stream, path, gateway.grpcAddress), end(stream)])
    }),
  )
}

const empty = (stream: number) => message(stream, new Uint8Array())

// Runs first: after the bursts below, calls without credentials are refused for some time.
describe('one connection accepts', () => {
  test('5,000 calls', async () => {
    using client = grpcClient(gateway.grpcAddress)
    const responses = await Promise.all(
      Array.from({ length: 5000 }, () => client.unary(calls.getVersion, {})),
    )
    expect(responses.every((one) => one.version === '0.1.0')).toBe(true)
  }, 120_000)

  test('an upload of 200 MiB', async () => {
    using client = grpcClient(gateway.grpcAddress)
    const bytes = new Uint8Array(200 * 2 ** 20)
    const metadata = { authorization: `Bearer ${secret}` }
    const refused = await failure(uploadWhole(client, bytes, 256 * 1024, { metadata }))
    // The upload arrives completely and is then refused because it is not an image.
    expect(refused.status?.details.length).toBeGreaterThan(0)
  }, 120_000)
})

describe('during a burst of calls without a token', () => {
  test.each(['/pixelflow.v1.ImageService/ListTasks', '/grpc.health.v1.Health/Check'])(
    'other clients are answered, and finally all calls: %s',
    async (path) => {
      using burst = await connectMany(connections)
      for (const client of burst.clients) sendCalls(client, path, empty)
      await waitFor('first response', () => burst.answered, Boolean, { timeoutMs: 60_000 })

      const headers = { authorization: `Bearer ${secret}` }
      const [response, reply] = await Promise.all([
        gateway.call('/api/v1/tasks?limit=1', { headers }),
        (async () => {
          using other = grpcClient(gateway.grpcAddress)
          return await other.unary(calls.listTasks, {}, { metadata: headers })
        })(),
      ])
      expect(response.status).toBe(200)
      expect(reply.items).toEqual([])
      expect(burst.answered).toBeLessThan(all)

      await waitFor('all calls answered', () => burst.isDone, Boolean, { timeoutMs: 120_000 })
    },
    200_000,
  )

  test('other clients are answered while calls are reset at once', async () => {
    using burst = await connectMany(20)
    // Fewer than the reset budget of a connection.
    const count = 900
    for (const client of burst.clients) {
      sendCalls(client, '/pixelflow.v1.ImageService/ListTasks', reset, count)
      const last = 2 * count + 1
      client.send(startCall(last, '/pixelflow.v1.ImageService/ListTasks', gateway.grpcAddress), empty(last))
    }
    const isLastAnswered = ({ frames }: RawHttp2) =>
      frames.some(
        ({ type, stream, flags }) => type === types.headers && stream === 2 * count + 1 && flags & endStream,
      )
    const headers = { authorization: `Bearer ${secret}` }
    const response = await gateway.call('/api/v1/tasks?limit=1', { headers })
    expect(response.status).toBe(200)
    expect(burst.clients.every(isLastAnswered)).toBe(false)
    await waitFor(
      'every connection has its last response or is closed',
      () => burst.clients.filter((client) => !client.isClosed && !isLastAnswered(client)).length,
      (waiting) => waiting === 0,
      { timeoutMs: 60_000 },
    )
  }, 120_000)
})

test('open calls without a token are limited for each address', async () => {
  using watches = await connectMany(8)
  const open = watches.clients.map(() => 0)
  for (const [at, client] of watches.clients.entries()) {
    client.onFrame(({ type, flags }) => {
      if (type === types.headers && !(flags & endStream)) open[at] = (open[at] ?? 0) + 1
    })
    sendCalls(client, '/grpc.health.v1.Health/Watch', empty)
  }
  // A connection is closed after many refusals.
  await waitFor(
    'all calls are open or refused, or a connection is closed',
    () => ({
      responses: open.reduce((sum, one) => sum + one, 0) + watches.answered,
      isAnyClosed: watches.clients.some(({ isClosed }) => isClosed),
    }),
    ({ responses, isAnyClosed }) => responses >= 8 * callsEach || isAnyClosed,
    { timeoutMs: 60_000 },
  )
  // The limit is 16 MiB, and each call takes 16 KiB.
  expect(open.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(1024)
}, 90_000)

test('calls with credentials succeed at an address whose other calls were refused', async () => {
  using client = grpcClient(gateway.grpcAddress)
  const metadata = { authorization: `Bearer ${secret}` }
  const call = () => client.unary(calls.listTasks, {}, { metadata })
  for (let round = 0; round < 3; round += 1) {
    const responses = await Promise.all(Array.from({ length: 200 }, call))
    expect(responses.every((one) => one.items.length === 0)).toBe(true)
  }
}, 60_000)

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { connect } from 'node:net'
import { bearerProtocol, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { failure, grpcClient } from '../testing/grpc-client.ts'
import { callFields, field, headerFrames } from '../testing/hpack.ts'
import { message, rawHttp2 } from '../testing/raw-http2.ts'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const calls = ImageService.method
const listTasks = '/pixelflow.v1.ImageService/ListTasks'
let open: TestGateway
let guarded: TestGateway
beforeAll(async () => {
  open = await openTestGateway()
  guarded = await openTestGateway({
    env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' },
  })
}, 60_000)
afterAll(async () => {
  await open?.[Symbol.asyncDispose]()
  await guarded?.[Symbol.asyncDispose]()
})

/** The response to a raw request, because HTTP clients join or drop headers. */
async function answer(gateway: TestGateway, lines: readonly string[], body = ''): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (data: Buffer) => (text += String(data)))
  socket.write([...lines, 'Connection: close', `Content-Length: ${body.length}`, '', body].join('\r\n'))
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

/** The outcome of listing tasks with these headers, over REST, Connect and gRPC. */
async function statuses(gateway: TestGateway, headers: readonly (readonly [string, string])[]) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  const rest = await answer(gateway, ['GET /api/v1/tasks HTTP/1.1', 'Host: localhost', ...lines])
  const type = 'Content-Type: application/json'
  const connectCall = await answer(
    gateway,
    [`POST ${listTasks} HTTP/1.1`, 'Host: localhost', type, ...lines],
    '{}',
  )
  const id = crypto.randomUUID()
  using client = await rawHttp2(gateway.grpcAddress)
  const fields = headers.map(([name, value]) => field(name.toLowerCase(), value))
  client.send(
    headerFrames(
      1,
      Buffer.concat([callFields(listTasks, 'localhost'), field('x-request-id', id), ...fields]),
    ),
    message(1, new Uint8Array()),
  )
  const line = await waitFor('call logged', () => gateway.logs.find(({ requestId }) => requestId === id))
  return [statusIn(rest), statusIn(connectCall), line?.['status']]
}

const statusIn = (text: string) => Number(text.split(' ', 2)[1])

describe('more than one token', () => {
  const ann = ['Authorization', 'Bearer secret-of-ann'] as const
  const bob = ['Authorization', 'Bearer secret-of-bob'] as const
  test.each([
    ['of two accounts', [ann, bob]],
    ['in the other order', [bob, ann]],
    ['twice the same', [ann, ann]],
    ['one known and one not', [ann, ['Authorization', 'Bearer wrong'] as const]],
    ['one and an empty one', [ann, ['Authorization', ''] as const]],
  ])('%s is refused over every protocol', async (_, headers) => {
    expect(await statuses(guarded, headers)).toEqual([401, 401, 'Unauthenticated'])
  })

  test('a single token is accepted', async () => {
    expect(await statuses(guarded, [ann])).toEqual([200, 200, 'OK'])
  })

  test('as a header and as a subprotocol is refused', async () => {
    const upgrade = (...more: string[]) =>
      answer(guarded, [
        'GET /api/v1/tune HTTP/1.1',
        'Host: localhost',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
        ...more,
      ])
    const tokens = [bearerProtocol('secret-of-bob'), bearerProtocol('secret-of-ann')]
    const both = `Sec-WebSocket-Protocol: ${[tuneProtocol, ...tokens].join(', ')}`
    const single = `Sec-WebSocket-Protocol: ${tuneProtocol}, ${tokens[0]}`
    expect(statusIn(await upgrade(both))).toBe(401)
    expect(statusIn(await upgrade(single, 'Authorization: Bearer secret-of-ann'))).toBe(401)
  })
})

describe('a gateway without tokens', () => {
  test.each(['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-IP', 'Via'])(
    'refuses calls that a proxy forwards with %s',
    async (name) => {
      expect(await statuses(open, [[name, 'for=192.0.2.1']])).toEqual([403, 403, 'PermissionDenied'])
      const text = await answer(open, ['GET / HTTP/1.1', 'Host: localhost', `${name}: 192.0.2.1`])
      expect(statusIn(text)).toBe(403)
      expect(text).toContain('PIXELFLOW_API_TOKENS')
    },
  )

  test('shows its health to this machine only, and its readiness to every probe', async () => {
    const health = (path: string, host: string) => answer(open, [`GET ${path} HTTP/1.1`, `Host: ${host}`])
    expect(statusIn(await health('/health', 'localhost'))).toBe(200)
    const rebound = await health('/health', 'rebound.example')
    expect(statusIn(rebound)).toBe(403)
    expect(rebound).not.toContain('residentBytes')
    for (const path of ['/health/live', '/health/ready']) {
      const probe = await health(path, '10.0.0.7:3000')
      expect(statusIn(probe)).toBe(200)
      expect(probe).toEndWith('{"status":"ok"}')
    }
  })

  test('accepts a list of loopback addresses as authority, as gRPC clients in C++ and Python send it', async () => {
    const port = open.grpcAddress.split(':')[1]
    const named = (authority: string) => grpcClient(open.grpcAddress, { 'grpc.default_authority': authority })
    using list = named(`127.0.0.1:${port},127.0.0.2:${port}`)
    expect((await list.unary(calls.listTasks, {})).items).toEqual([])
    using elsewhere = named(`127.0.0.1:${port},192.0.2.1:${port}`)
    expect(await failure(elsewhere.unary(calls.listTasks, {}))).toMatchObject({ code: 7 })
  })
})

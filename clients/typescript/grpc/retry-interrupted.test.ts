import { afterEach, expect, test } from 'bun:test'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { createServer as createTcpServer, connect, type AddressInfo, type Socket } from 'node:net'
import { openGrpc } from './open-grpc.ts'

/** A gateway behind a relay that resets the connection when the first responses have begun, as after a `kill -9`. */
async function startInterruptingServer(interruptions: number) {
  let calls = 0
  const sockets = new Set<Socket>()
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    calls += 1
    const isInterrupted = calls <= interruptions
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    if (isInterrupted) {
      // After the headers have been sent.
      setTimeout(reset, 50)
      return
    }
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    // An empty message: no compression, length 0.
    stream.end(Buffer.alloc(5))
  })
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy()
    sockets.clear()
  }
  const port = await listen(server)
  const relay = createTcpServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}))
    client.pipe(upstream).pipe(client)
  })
  return {
    address: `127.0.0.1:${await listen(relay)}`,
    calls: () => calls,
    stop() {
      reset()
      relay.close()
      server.close()
    },
  }
}

async function listen(server: {
  listen(port: number, host: string, ready: () => void): unknown
  address(): AddressInfo | string | null
}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

let stop = () => {}
afterEach(() => stop())

test.each([
  ['a read whose response is interrupted is repeated', 2, 3],
  ['a read that is interrupted again and again fails', 9, 3],
])(
  '%s',
  async (_, interruptions, calls) => {
    const server = await startInterruptingServer(interruptions)
    stop = server.stop
    await using client = openGrpc({ address: server.address })
    const ended = client.settings().then(
      () => 'answered',
      (error: { code: string }) => error.code,
    )
    expect(await ended).toBe(interruptions < calls ? 'answered' : 'unreachable')
    expect(server.calls()).toBe(calls)
  },
  20_000,
)

test('a call that may have taken effect is not repeated', async () => {
  const server = await startInterruptingServer(9)
  stop = server.stop
  await using client = openGrpc({ address: server.address })
  await expect(client.createTask('01936f2e-7c5e-7abc-9def-0123456789ab', 'flip')).rejects.toMatchObject({
    code: 'unreachable',
  })
  expect(server.calls()).toBe(1)
}, 20_000)

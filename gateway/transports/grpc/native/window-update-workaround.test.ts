import { describe, expect, test } from 'bun:test'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { createWindowUpdateFilter, installWindowUpdateWorkaround } from './window-update-workaround.ts'
import { frame, frameTypes } from '../../../testing/raw-http2.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const endHeadersAndStream = 5

function settings(...entries: [id: number, value: number][]): Buffer {
  const payload = Buffer.alloc(6 * entries.length)
  for (const [i, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, 6 * i)
    payload.writeUInt32BE(value, 6 * i + 2)
  }
  return frame(frameTypes.settings, 0, 0, payload)
}
const window = (bytes: number) => settings([4, bytes])
function grant(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frame(frameTypes.windowUpdate, 0, stream, payload)
}
/** GET http://x/ */
const request = (stream: number) =>
  frame(frameTypes.headers, endHeadersAndStream, stream, Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x78]))

/** A server with endless responses and a client with manual flow control. */
async function openConnection() {
  const streams: ServerHttp2Stream[] = []
  const server = createServer()
  installWindowUpdateWorkaround(server)
  server.on('stream', (stream: ServerHttp2Stream) => {
    streams.push(stream)
    stream.on('error', () => {})
    stream.respond({ ':status': 200 })
    stream.write(Buffer.alloc(4_000_000))
  })
  server.on('sessionError', () => {})
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const received = bytesByStream(socket)
  socket.write(preface)
  return {
    received,
    send: (...frames: Buffer[]) => void socket.write(Buffer.concat(frames)),
    /** Sends byte by byte, so that no frame arrives in one piece. */
    async sendBytewise(...frames: Buffer[]) {
      socket.setNoDelay(true)
      for (const byte of Buffer.concat(frames)) {
        socket.write(Buffer.of(byte))
        await new Promise(setImmediate)
      }
    },
    /** Waits until a stream has received this many bytes, and checks that no more arrive. */
    async expectReceived(stream: number, bytes: number) {
      await waitFor(
        `${bytes} bytes of stream ${stream}`,
        () => received.get(stream) ?? 0,
        (count) => count >= bytes,
      )
      await stays(`stream ${stream} sends nothing more`, () => received.get(stream) === bytes, 50)
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
      for (const stream of streams) stream.destroy()
      server.close()
    },
  }
}

/** Bytes of DATA received by stream. */
function bytesByStream(socket: Socket): Map<number, number> {
  const received = new Map<number, number>()
  let rest = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3)
      const stream = rest.readUInt32BE(5)
      if (rest[3] === frameTypes.data) received.set(stream, (received.get(stream) ?? 0) + length)
      rest = rest.subarray(9 + length)
    }
  })
  return received
}

describe('a client that changes its initial window during a response', () => {
  const largeConnectionWindow = grant(0, 50_000_000)

  test('receives exactly what it has granted', async () => {
    await using client = await openConnection()
    client.send(settings([2, 0], [4, 65_535]), largeConnectionWindow, request(1))
    await client.expectReceived(1, 65_535)
    client.send(grant(1, 200_000))
    await client.expectReceived(1, 265_535)
    client.send(window(300_000))
    await client.expectReceived(1, 500_000)
    client.send(grant(1, 1000), window(400_000))
    await client.expectReceived(1, 601_000)
    // New streams start with the latest window.
    client.send(request(3))
    await client.expectReceived(3, 400_000)
    client.send(window(400_000), window(500_000))
    await client.expectReceived(3, 500_000)
    await client.expectReceived(1, 701_000)
  }, 30_000)

  test('receives exactly what it has granted when its frames arrive in pieces', async () => {
    await using client = await openConnection()
    await client.sendBytewise(window(70_000), largeConnectionWindow, request(1))
    await client.expectReceived(1, 70_000)
    await client.sendBytewise(grant(1, 30_000), settings([3, 100], [4, 90_000], [5, 16_384]), request(3))
    await client.expectReceived(1, 120_000)
    await client.expectReceived(3, 90_000)
  }, 30_000)

  test('may reduce it for later streams', async () => {
    await using client = await openConnection()
    client.send(settings([2, 0]), largeConnectionWindow, request(1))
    await client.expectReceived(1, 65_535)
    client.send(window(100_000))
    await client.expectReceived(1, 100_000)
    client.send(window(50_000), request(3))
    await client.expectReceived(3, 50_000)
  }, 30_000)
})

test('other frames pass unchanged, however they are split', () => {
  const payload = crypto.getRandomValues(Buffer.alloc(5000))
  const sent = Buffer.concat([
    preface,
    settings([1, 4096]),
    request(1),
    frame(frameTypes.data, 0, 1, payload),
    frame(frameTypes.settings, 1, 0, Buffer.alloc(0)),
    grant(1, 5),
    frame(frameTypes.data, 1, 1, Buffer.alloc(0)),
  ])
  for (const size of [1, 2, 7, 8, 9, 10, 100, 4096, sent.length]) {
    const filter = createWindowUpdateFilter()
    const passed: Uint8Array[] = []
    for (let at = 0; at < sent.length; at += size) {
      filter.read(sent.subarray(at, at + size), (bytes) => passed.push(bytes.slice()))
    }
    expect(Buffer.concat(passed).equals(sent)).toBe(true)
  }
})

import { describe, expect, test } from 'bun:test'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { until } from '../../../testing/test-gateway.ts'
import { createWindowUpdateFilter, installWindowUpdateWorkaround } from './window-update-workaround.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const type = { data: 0, headers: 1, settings: 4, windowUpdate: 8 } as const
const endHeadersAndStream = 5

function frame(kind: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(kind, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}
function settings(...entries: [id: number, value: number][]): Buffer {
  const payload = Buffer.alloc(6 * entries.length)
  for (const [i, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, 6 * i)
    payload.writeUInt32BE(value, 6 * i + 2)
  }
  return frame(type.settings, 0, 0, payload)
}
const window = (bytes: number) => settings([4, bytes])
function grant(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frame(type.windowUpdate, 0, stream, payload)
}
/** GET http://x/ */
const request = (stream: number) =>
  frame(type.headers, endHeadersAndStream, stream, Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x78]))

/** A server whose every answer has no end, and a client that grants what a test wants. */
async function conversation() {
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
    say: (...frames: Buffer[]) => void socket.write(Buffer.concat(frames)),
    /** Byte by byte, so that no frame comes in one piece. */
    async spell(...frames: Buffer[]) {
      socket.setNoDelay(true)
      for (const byte of Buffer.concat(frames)) {
        socket.write(Buffer.of(byte))
        await new Promise(setImmediate)
      }
    },
    /** Waits until a stream has got so many bytes, and looks whether it gets more. */
    async settle(stream: number, bytes: number) {
      await until(() => (received.get(stream) ?? 0) >= bytes)
      await Bun.sleep(50)
      expect(received.get(stream)).toBe(bytes)
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
      for (const stream of streams) stream.destroy()
      server.close()
    },
  }
}

/** How many bytes of data each stream has got. */
function bytesByStream(socket: Socket): Map<number, number> {
  const received = new Map<number, number>()
  let rest = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const length = rest.length < 9 ? Infinity : rest.readUIntBE(0, 3)
      if (rest.length < 9 + length) return
      const stream = rest.readUInt32BE(5)
      if (rest[3] === type.data) received.set(stream, (received.get(stream) ?? 0) + length)
      rest = rest.subarray(9 + length)
    }
  })
  return received
}

describe('a client that changes its window in mid-stream', () => {
  const everything = grant(0, 50_000_000)

  test('gets what it has granted in all, and no more', async () => {
    await using client = await conversation()
    client.say(settings([2, 0], [4, 65_535]), everything, request(1))
    await client.settle(1, 65_535)
    client.say(grant(1, 200_000))
    await client.settle(1, 265_535)
    client.say(window(300_000))
    await client.settle(1, 500_000)
    client.say(grant(1, 1000), window(400_000))
    await client.settle(1, 601_000)
    // New streams begin with the newest window.
    client.say(request(3))
    await client.settle(3, 400_000)
    client.say(window(400_000), window(500_000))
    await client.settle(3, 500_000)
    await client.settle(1, 701_000)
  }, 30_000)

  test('also when its frames come in pieces', async () => {
    await using client = await conversation()
    await client.spell(window(70_000), everything, request(1))
    await client.settle(1, 70_000)
    await client.spell(grant(1, 30_000), settings([3, 100], [4, 90_000], [5, 16_384]), request(3))
    await client.settle(1, 120_000)
    await client.settle(3, 90_000)
  }, 30_000)

  test('may make it smaller for streams to come', async () => {
    await using client = await conversation()
    client.say(settings([2, 0]), everything, request(1))
    await client.settle(1, 65_535)
    client.say(window(100_000))
    await client.settle(1, 100_000)
    client.say(window(50_000), request(3))
    await client.settle(3, 50_000)
  }, 30_000)
})

test('what is not settings comes through as it is, however it is cut', () => {
  const payload = crypto.getRandomValues(Buffer.alloc(5000))
  const said = Buffer.concat([
    preface,
    settings([1, 4096]),
    request(1),
    frame(type.data, 0, 1, payload),
    frame(type.settings, 1, 0, Buffer.alloc(0)),
    grant(1, 5),
    frame(type.data, 1, 1, Buffer.alloc(0)),
  ])
  for (const size of [1, 2, 7, 8, 9, 10, 100, 4096, said.length]) {
    const credit = createWindowUpdateFilter()
    const heard: Uint8Array[] = []
    for (let at = 0; at < said.length; at += size) {
      credit.read(said.subarray(at, at + size), (bytes) => heard.push(bytes.slice()))
    }
    expect(Buffer.concat(heard).equals(said)).toBe(true)
  }
})

import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

/** An HTTP/2 frame. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly body: Buffer
}

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** An HTTP/2 client that sends only what a test sends. It acknowledges nothing automatically. */
export interface RawHttp2 extends Disposable {
  readonly socket: Socket
  /** The frames received so far. */
  readonly frames: readonly Frame[]
  readonly isClosed: boolean
  send(...frames: readonly Uint8Array[]): void
  /** Calls the listener for each further frame. */
  onFrame(listener: (frame: Frame) => void): void
}

/** Connects and sends the preface and empty SETTINGS; over TLS when there are options for it. */
export async function rawHttp2(address: string, tls?: ConnectionOptions): Promise<RawHttp2> {
  const { hostname, port } = new URL(`http://${address}`)
  const tcp = connect(Number(port), hostname)
  const socket: Socket = tls ? connectTls({ ...tls, socket: tcp, ALPNProtocols: ['h2'] }) : tcp
  const frames: Frame[] = []
  const listeners: ((frame: Frame) => void)[] = []
  let rest: Buffer = Buffer.alloc(0)
  let isClosed = false
  socket.on('close', () => (isClosed = true))
  socket.on('error', () => (isClosed = true))
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      const frame: Frame = {
        type: rest[3] ?? 0,
        flags: rest[4] ?? 0,
        stream: rest.readUInt32BE(5) & 0x7fff_ffff,
        body: rest.subarray(9, end),
      }
      rest = rest.subarray(end)
      frames.push(frame)
      for (const listener of listeners) listener(frame)
    }
  })
  await new Promise<void>((resolve) => {
    socket.once(tls ? 'secureConnect' : 'connect', resolve)
    // A server that accepts no more connections closes this one at once.
    socket.once('close', resolve)
  })
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(frame(frameTypes.settings, 0, 0))
  return {
    socket,
    frames,
    get isClosed() {
      return isClosed
    },
    send: (...all) => void socket.write(Buffer.concat(all)),
    onFrame: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  body: Uint8Array = new Uint8Array(),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

export function ping(flags = 0, body: Uint8Array = new Uint8Array(8)): Buffer {
  return frame(frameTypes.ping, flags, 0, body)
}

/** The HEADERS frame of a gRPC call, with HPACK literals that do not change the dynamic table. */
export function startCall(
  stream: number,
  path: string,
  authority: string,
  flags = 4,
  more: Readonly<Record<string, string>> = {},
): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': authority,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  }
  const block = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ])
  return frame(frameTypes.headers, flags, stream, Buffer.concat(block))
}

/** A DATA frame with one gRPC message. */
export function message(stream: number, bytes: Uint8Array, flags = 1): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return frame(frameTypes.data, flags, stream, Buffer.concat([head, bytes]))
}

/** An RST_STREAM frame with CANCEL. */
export function reset(stream: number): Buffer {
  return frame(frameTypes.reset, 0, stream, Buffer.from([0, 0, 0, 8]))
}

import { frame, frameTypes, rawHttp2, startCall, type Frame } from './raw-http2.ts'

/** Native gRPC calls with incomplete messages, on raw connections. */
export interface GrpcFlood extends Disposable {
  /** Number of opened streams. */
  readonly opened: number
  /** Streams that have ended, alone or with their connection. */
  readonly ended: number
  /** Bytes of messages sent so far. */
  readonly sentBytes: number
  /** Sends until everything is sent, or until flow control or the end of the streams stops it. */
  waitUntilSettled(): Promise<void>
}

export interface GrpcFloodOptions {
  /** `host:port` of the gRPC port. */
  readonly address: string
  readonly connections: number
  readonly streams: number
  /** Path of the method, e.g. `/pixelflow.v1.ImageService/GetTask`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Length in the prefix of each message. */
  readonly declaredBytes: number
  /** Bytes sent of each message. At least one byte is never sent. */
  readonly sentBytes: number
}

const frameBytes = 16 * 1024
const firstWindow = 65_535
const filler = Buffer.alloc(frameBytes, 0x2e)
/** After this time without progress the server is considered to take no more. */
const quietMs = 3000

export async function floodGrpc(options: GrpcFloodOptions): Promise<GrpcFlood> {
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => floodConnection(options)),
  )
  const sum = (of: (one: (typeof connections)[number]) => number) =>
    connections.reduce((total, one) => total + of(one), 0)
  return {
    opened: options.connections * options.streams,
    get ended() {
      return sum((one) => one.ended)
    },
    get sentBytes() {
      return sum((one) => one.sentBytes)
    },
    async waitUntilSettled() {
      await Promise.all(connections.map((one) => one.waitUntilSettled()))
    },
    [Symbol.dispose]() {
      for (const one of connections) one.close()
    },
  }
}

async function floodConnection({
  address,
  streams,
  path,
  headers,
  declaredBytes,
  sentBytes,
}: GrpcFloodOptions) {
  const client = await rawHttp2(address)
  let window = firstWindow
  let streamWindow = firstWindow
  let sent = 0
  let lastAt = performance.now()
  const open = new Map<number, { window: number; left: number }>()
  const head = Buffer.alloc(5)
  head.writeUInt32BE(declaredBytes, 1)
  const most = Math.min(sentBytes, declaredBytes - 1)

  const send = () => {
    let didSend = true
    while (didSend && !client.isClosed && client.socket.writableLength < 2 ** 20) {
      didSend = false
      for (const [id, stream] of open) {
        const bytes = Math.min(frameBytes, window, stream.window, stream.left)
        if (bytes <= 0) continue
        client.send(frame(frameTypes.data, 0, id, filler.subarray(0, bytes)))
        window -= bytes
        stream.window -= bytes
        stream.left -= bytes
        sent += bytes
        didSend = true
        lastAt = performance.now()
      }
    }
  }
  const take = ({ type, flags, stream, body }: Frame) => {
    if (type === frameTypes.settings && !(flags & 1)) {
      client.send(frame(frameTypes.settings, 1, 0))
      for (let at = 0; at + 6 <= body.length; at += 6) {
        if (body.readUInt16BE(at) !== 4) continue
        const grown = body.readUInt32BE(at + 2) - streamWindow
        streamWindow += grown
        for (const one of open.values()) one.window += grown
      }
    }
    if (type === frameTypes.ping && !(flags & 1)) client.send(frame(frameTypes.ping, 1, 0, body))
    if (type === frameTypes.windowUpdate) {
      const more = body.readUInt32BE(0)
      const one = open.get(stream)
      if (stream === 0) window += more
      else if (one) one.window += more
    }
    const isEnd = type === frameTypes.reset || (type < 2 && (flags & 1) !== 0)
    if (isEnd) open.delete(stream)
  }
  client.onFrame(take)
  for (const one of client.frames) take(one)
  client.socket.on('drain', send)

  for (let n = 0; n < streams; n += 1) {
    const id = 2 * n + 1
    open.set(id, { window: streamWindow, left: most })
    client.send(startCall(id, path, address, 4, headers), frame(frameTypes.data, 0, id, head))
    window -= head.length
  }
  return {
    get ended() {
      return client.isClosed ? streams : streams - open.size
    },
    get sentBytes() {
      return sent
    },
    async waitUntilSettled() {
      for (lastAt = performance.now(); ; await Bun.sleep(10)) {
        if (client.isClosed) return
        send()
        const isAll = [...open.values()].every(({ left }) => left === 0)
        if (isAll && client.socket.writableLength === 0) return
        if (performance.now() - lastAt > quietMs) return
      }
    },
    close: () => client[Symbol.dispose](),
  }
}

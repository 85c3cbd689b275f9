import { connect, type Socket } from 'node:net'

/** HTTP/1.1 requests with incomplete bodies, each on its own connection. */
export interface HttpFlood extends Disposable {
  readonly opened: number
  /** Connections that got a response or were closed. */
  readonly ended: number
  /** Number of responses by status code; `closed` counts connections without a response. */
  readonly responses: Readonly<Record<string, number>>
  /** The responses, each truncated. */
  readonly texts: readonly string[]
  /** Resolves when everything is sent, or when the server takes no more. */
  waitUntilSettled(): Promise<void>
}

export interface HttpFloodOptions {
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string
  readonly path: string
  readonly count: number
  readonly headers: Readonly<Record<string, string>>
  /** Start of the body; the rest is filler. */
  readonly begin?: Uint8Array
  /** Bytes sent of each body. Its Content-Length is one more. */
  readonly sentBytes: number
}

const pieceBytes = 16 * 1024
const filler = Buffer.alloc(pieceBytes, 0x2e)
const maxTextLength = 2000
/** After this time without progress the server is considered to take no more. */
const quietMs = 3000

export async function floodHttp(options: HttpFloodOptions): Promise<HttpFlood> {
  const connections = await Promise.all(Array.from({ length: options.count }, () => floodRequest(options)))
  return {
    opened: options.count,
    get ended() {
      return connections.filter((one) => one.status() !== undefined).length
    },
    get responses() {
      const counts: Record<string, number> = {}
      for (const one of connections) {
        const status = one.status()
        if (status !== undefined) counts[status] = (counts[status] ?? 0) + 1
      }
      return counts
    },
    get texts() {
      return connections.map((one) => one.text()).filter((text) => text !== '')
    },
    async waitUntilSettled() {
      await Promise.all(connections.map((one) => one.waitUntilSettled()))
    },
    [Symbol.dispose]() {
      for (const { socket } of connections) socket.destroy()
    },
  }
}

async function floodRequest({ url, path, headers, begin = new Uint8Array(), sentBytes }: HttpFloodOptions) {
  const { hostname, port, host } = new URL(url)
  const socket: Socket = connect(Number(port), hostname)
  let text = ''
  let isClosed = false
  let left = sentBytes - begin.length
  let lastAt = performance.now()
  const send = () => {
    while (left > 0 && !isClosed && text === '' && socket.writableLength < 4 * pieceBytes) {
      const bytes = Math.min(left, pieceBytes)
      left -= bytes
      socket.write(filler.subarray(0, bytes))
    }
  }
  socket.on('error', () => {})
  socket.on('close', () => (isClosed = true))
  socket.on('data', (data: Buffer) => {
    if (text.length < maxTextLength) text += data.toString('latin1')
  })
  socket.on('drain', () => {
    lastAt = performance.now()
    send()
  })
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve())
    socket.once('close', () => resolve())
  })
  const lines = Object.entries({ host, 'content-length': String(sentBytes + 1), ...headers })
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  )
  socket.write(begin)
  send()
  return {
    socket,
    text: () => text,
    status: () => /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? (isClosed ? 'closed' : undefined),
    async waitUntilSettled() {
      for (lastAt = performance.now(); ; await Bun.sleep(10)) {
        if (isClosed || text !== '' || (left <= 0 && socket.writableLength === 0)) return
        if (performance.now() - lastAt > quietMs) return
      }
    },
  }
}

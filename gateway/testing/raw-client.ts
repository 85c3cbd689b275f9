import { connect, type Socket } from 'node:net'

/** A TCP connection on which a test sends exact bytes. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  send(text: string | Uint8Array): Promise<void>
  /** Sends the head of a request for the host `localhost`. */
  sendHead(method: string, path: string, headers?: RawHeaders): Promise<void>
  /** Reads a response up to its Content-Length or the end of the connection. Header names are in lower case. */
  response(withinMs?: number): Promise<RawResponse>
  /** Drops the received bytes, before the next response on this connection. */
  forget(): void
}

export type RawHeaders = Readonly<Record<string, string | number>>

export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export async function connectRawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const received: Buffer[] = []
  let isOver = false
  socket.on('data', (data: Buffer) => received.push(data))
  socket.on('close', () => (isOver = true))
  socket.on('error', () => (isOver = true))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  const send = (text: string | Uint8Array) =>
    new Promise<void>((resolve) => socket.write(text, () => resolve()))
  return {
    socket,
    send,
    sendHead(method, path, headers = {}) {
      const lines = Object.entries({ Host: 'localhost', ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      )
      return send([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
    },
    async response(withinMs = 10_000) {
      const deadline = performance.now() + withinMs
      for (let looked = 0; ;) {
        if (looked !== received.length || isOver) {
          looked = received.length
          const found = parseResponse(Buffer.concat(received), isOver)
          if (found) return found
        }
        if (isOver || performance.now() > deadline)
          throw new Error(
            `incomplete response after ${received.length} reads: ${Buffer.concat(received).toString('latin1').slice(0, 200)}`,
          )
        await Bun.sleep(20)
      }
    },
    forget: () => void received.splice(0),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** The response if it is complete. Interim responses (1xx) are skipped. */
function parseResponse(bytes: Buffer, isOver: boolean): RawResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(first.split(' ')[1])
  const body = bytes.subarray(end + 4)
  if (status < 200) return parseResponse(body, isOver)
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const length = Number(headers.get('content-length') ?? Infinity)
  return body.length >= length || isOver ? { status, headers, body: body.subarray(0, length) } : undefined
}

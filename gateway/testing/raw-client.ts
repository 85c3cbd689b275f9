import { connect, type Socket } from 'node:net'

/** A connection on which a test says exactly what it wants. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  send(text: string | Uint8Array): Promise<void>
  /** The answer's status, headers in lower case, and body, read to the end of the connection or of its length. */
  answer(withinMs?: number): Promise<RawResponse>
  /** Drops what has come, so that the next answer on this connection can be read. */
  forget(): void
}

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
  return {
    socket,
    send: (text) => new Promise((resolve) => socket.write(text, () => resolve())),
    async answer(withinMs = 10_000) {
      const deadline = performance.now() + withinMs
      for (let looked = 0; ;) {
        if (looked !== received.length || isOver) {
          looked = received.length
          const found = answerIn(Buffer.concat(received), isOver)
          if (found) return found
        }
        if (isOver || performance.now() > deadline)
          throw new Error(`no whole answer after ${received.length} reads`)
        await Bun.sleep(20)
      }
    },
    forget: () => void received.splice(0),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** The answer if it is whole; interim ones (1xx) are passed over. */
function answerIn(bytes: Buffer, isOver: boolean): RawResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(first.split(' ')[1])
  const body = bytes.subarray(end + 4)
  if (status < 200) return answerIn(body, isOver)
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const length = Number(headers.get('content-length') ?? Infinity)
  return body.length >= length || isOver ? { status, headers, body: body.subarray(0, length) } : undefined
}

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy whose traffic can be delayed, held back and cut. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** Delays data for clients by this many milliseconds. */
  delay(ms: number): void
  /** Holds back all data for clients. */
  hold(): void
  /** Closes every connection and accepts no further ones. */
  cut(): void
  /** Ends `hold` and `cut`; delivers what was held back. */
  release(): void
}

/** Starts a proxy for a local port. */
export async function startRelay(target: number): Promise<Relay> {
  const connections = new Set<Connection>()
  let isHeld = false
  let isCut = false
  let delayMs = 0
  const server = createServer((client) => {
    if (isCut) return void client.destroy()
    const upstream = connect({ host: '127.0.0.1', port: target })
    const connection: Connection = { client, upstream, waiting: [] }
    connections.add(connection)
    client.pipe(upstream)
    upstream.on('data', (bytes: Buffer) => {
      if (isHeld) connection.waiting.push(bytes)
      else if (delayMs > 0) setTimeout(() => client.write(bytes), delayMs)
      else client.write(bytes)
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        other.destroy()
        connections.delete(connection)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    delay(ms) {
      delayMs = ms
    },
    hold() {
      isHeld = true
    },
    cut() {
      isCut = true
      for (const { upstream } of connections) upstream.destroy()
    },
    release() {
      isHeld = false
      isCut = false
      for (const { client, waiting } of connections)
        for (const bytes of waiting.splice(0)) client.write(bytes)
    },
    async [Symbol.asyncDispose]() {
      for (const { upstream } of connections) upstream.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

interface Connection {
  readonly client: Socket
  readonly upstream: Socket
  readonly waiting: Buffer[]
}

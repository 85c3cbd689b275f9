import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'

/** A TCP proxy with a delay, and its counters. */
export interface DelayProxy extends AsyncDisposable {
  readonly port: number
  /** Maximum number of bytes from the client in flight at the same time. */
  maxInFlightBytes(): number
  /** Number of bytes from the client so far. */
  countSent(): number
}

/** Starts a proxy that forwards all bytes after a delay, in order, without limiting the bandwidth. */
export async function startDelayProxy(host: string, port: number, delayMs: number): Promise<DelayProxy> {
  let inFlight = 0
  let most = 0
  let sent = 0
  const sockets = new Set<Socket>()
  const server: NetServer = createServer((near) => {
    const far = connect(port, host)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
    }
    const forward = (from: Socket, to: Socket, count: (bytes: number) => void) => {
      from.on('data', (data) => {
        count(data.length)
        setTimeout(() => {
          count(-data.length)
          to.write(data)
        }, delayMs)
      })
      from.on('close', () => setTimeout(() => to.end(), delayMs))
    }
    forward(near, far, (bytes) => {
      inFlight += bytes
      most = Math.max(most, inFlight)
      if (bytes > 0) sent += bytes
    })
    forward(far, near, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    maxInFlightBytes: () => most,
    countSent: () => sent,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'

/** A connection with a delay, and what has passed over it. Only tests use this. */
export interface DelayProxy extends AsyncDisposable {
  readonly port: number
  /** Most bytes from the client that were under way at one moment. */
  maxInFlightBytes(): number
  /** All bytes from the client so far. */
  sent(): number
}

/** A TCP proxy that hands everything on after a while, in order, however much it is. */
export async function startDelayProxy(host: string, port: number, delayMs: number): Promise<DelayProxy> {
  let underWay = 0
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
    const carry = (from: Socket, to: Socket, count: (bytes: number) => void) => {
      from.on('data', (data) => {
        count(data.length)
        setTimeout(() => {
          count(-data.length)
          to.write(data)
        }, delayMs)
      })
      from.on('close', () => setTimeout(() => to.end(), delayMs))
    }
    carry(near, far, (bytes) => {
      underWay += bytes
      most = Math.max(most, underWay)
      if (bytes > 0) sent += bytes
    })
    carry(far, near, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    maxInFlightBytes: () => most,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

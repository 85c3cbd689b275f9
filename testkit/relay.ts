import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP port in front of another one, whose line can be held up and let go again. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** From now on nothing gets through to clients; what comes is kept for them. */
  hold(): void
  release(): void
}

/** Stands in front of a port of this machine. */
export async function startRelay(target: number): Promise<Relay> {
  const backs = new Set<Socket>()
  let isHeld = false
  const server = createServer((front) => {
    const back = connect({ host: '127.0.0.1', port: target })
    backs.add(back)
    front.pipe(back)
    back.pipe(front)
    if (isHeld) hold(back, front)
    fronts.set(back, front)
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    back.on('close', () => backs.delete(back))
  })
  const fronts = new WeakMap<Socket, Socket>()
  const hold = (back: Socket, front: Socket) => {
    back.unpipe(front)
    back.pause()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    hold() {
      isHeld = true
      for (const back of backs) hold(back, fronts.get(back) as Socket)
    },
    release() {
      isHeld = false
      for (const back of backs) back.pipe(fronts.get(back) as Socket)
    },
    async [Symbol.asyncDispose]() {
      for (const back of backs) back.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

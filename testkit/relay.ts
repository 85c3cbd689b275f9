import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP port in front of another one, whose line can be made slow, or held up and let go again. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** From now on clients get what is sent to them so many milliseconds later. */
  delay(ms: number): void
  /** From now on nothing gets through to clients; what comes is kept for them. */
  hold(): void
  /** Ends every line, and takes no other. */
  cut(): void
  /** Lets everything through again, with what was held. */
  release(): void
}

/** Stands in front of a port of this machine. */
export async function startRelay(target: number): Promise<Relay> {
  const lines = new Set<Line>()
  let isHeld = false
  let isCut = false
  let delayMs = 0
  const server = createServer((front) => {
    if (isCut) return void front.destroy()
    const back = connect({ host: '127.0.0.1', port: target })
    const line: Line = { front, back, waiting: [] }
    lines.add(line)
    front.pipe(back)
    back.on('data', (bytes: Buffer) => {
      if (isHeld) line.waiting.push(bytes)
      else if (delayMs > 0) setTimeout(() => front.write(bytes), delayMs)
      else front.write(bytes)
    })
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        other.destroy()
        lines.delete(line)
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
      for (const { back } of lines) back.destroy()
    },
    release() {
      isHeld = false
      isCut = false
      for (const { front, waiting } of lines) for (const bytes of waiting.splice(0)) front.write(bytes)
    },
    async [Symbol.asyncDispose]() {
      for (const { back } of lines) back.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

interface Line {
  readonly front: Socket
  readonly back: Socket
  readonly waiting: Buffer[]
}

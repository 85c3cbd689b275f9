import { createServer } from 'node:net'

/**
 * A TCP port of the loopback address that was free when probed. It is below the ephemeral range (from 32768 on Linux), so no
 * outgoing connection takes it while a killed server restarts, and a client that keeps reconnecting cannot connect to
 * itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free port between 20000 and 32000 on 127.0.0.1.')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

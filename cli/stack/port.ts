import { createServer } from 'node:net'
import { CliError } from '../cli-error.ts'

/**
 * A free TCP port of the loopback address, below the range of outgoing connections (32768 upwards on Linux): no other
 * program gets it by chance while the broker restarts on it.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if ((await refusal('127.0.0.1', port)) === null) return port
  }
  throw new CliError('failed', 'There is no free port between 20000 and 32000 on 127.0.0.1.', {
    remedy: 'End some of the programs that listen there.',
  })
}

/**
 * Makes sure that the gateway can have its port. The gateway listens with SO_REUSEPORT, so it would
 * not notice another listener.
 *
 * @throws CliError `usage` naming the variable and a way out.
 */
export async function requireFreePort(
  host: string,
  port: number,
  variable: 'PIXELFLOW_HTTP_PORT' | 'PIXELFLOW_GRPC_PORT' = 'PIXELFLOW_HTTP_PORT',
): Promise<void> {
  if (port === 0) return
  const code = await refusal(host, port)
  if (code === null) return
  if (code === 'EADDRINUSE') {
    const other = await nextFree(host, port)
    throw new CliError('usage', `Port ${port} of ${host} is taken by another program.`, {
      field: variable,
      remedy: `Stop that one, or choose another port: ${variable}=${other} ./pixelflow up`,
    })
  }
  if (code === 'EACCES') {
    throw new CliError('usage', `Port ${port} may not be opened by this user.`, {
      field: variable,
      remedy: `Choose one of 1024 or above: ${variable}=${variable === 'PIXELFLOW_HTTP_PORT' ? 3000 : 50_051} ./pixelflow up`,
    })
  }
  throw new CliError('usage', `${host} is not an address of this machine (${code}).`, {
    field: 'PIXELFLOW_HOST',
    remedy: 'Use 127.0.0.1, or an address that this machine has.',
  })
}

async function nextFree(host: string, port: number): Promise<number> {
  for (let next = port + 1; next < port + 100 && next < 65_536; next++) {
    if ((await refusal(host, next)) === null) return next
  }
  return 0
}

/** Why this port cannot be listened on, as the system's error code; null when it can. */
function refusal(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
}

import { createServer } from 'node:net'
import { CliError } from '../cli-error.ts'

/**
 * Finds a free TCP port of the loopback address, below the range of outgoing connections (from 32768 on Linux), so that no
 * other program gets it while the broker restarts.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if ((await tryToListen('127.0.0.1', port)) === null) return port
  }
  throw new CliError('failed', 'No port between 20000 and 32000 is free on 127.0.0.1.', {
    remedy: 'Stop some of the programs that listen on these ports.',
  })
}

/**
 * Checks that a port is free. The gateway listens with SO_REUSEPORT, so it would not notice another listener.
 *
 * @throws CliError `usage` that names the variable and, if possible, a free port.
 */
export async function requireFreePort(
  host: string,
  port: number,
  variable: 'PIXELFLOW_HTTP_PORT' | 'PIXELFLOW_GRPC_PORT' = 'PIXELFLOW_HTTP_PORT',
): Promise<void> {
  if (port === 0) return
  const code = await tryToListen(host, port)
  if (code === null) return
  if (code === 'EADDRINUSE') {
    const other = await findNextFreePort(host, port)
    throw new CliError('usage', `Port ${port} of ${host} is in use by another program.`, {
      field: variable,
      remedy: `Stop that program, or use another port: ${variable}=${other} ./pixelflow up`,
    })
  }
  if (code === 'EACCES') {
    throw new CliError('usage', `This user may not listen on port ${port}.`, {
      field: variable,
      remedy: `Use port 1024 or above: ${variable}=${variable === 'PIXELFLOW_HTTP_PORT' ? 3000 : 50_051} ./pixelflow up`,
    })
  }
  throw new CliError('usage', `${host} is not an address of this machine (${code}).`, {
    field: 'PIXELFLOW_HOST',
    remedy: 'Use 127.0.0.1, or an address that this machine has.',
  })
}

async function findNextFreePort(host: string, port: number): Promise<number> {
  for (let next = port + 1; next < port + 100 && next < 65_536; next++) {
    if ((await tryToListen(host, next)) === null) return next
  }
  return 0
}

/** The error code of the system when listening on this port fails; null when it succeeds. */
function tryToListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
}

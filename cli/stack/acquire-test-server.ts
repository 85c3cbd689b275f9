import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readServerVersion } from '../client/open-client.ts'
import { CliError } from '../cli-error.ts'
import { isHeld, tryLock } from '../lock.ts'
import { acquireServer, type AcquireOptions, type EphemeralServer } from './ephemeral-server.ts'
import { locateServer } from './locate-server.ts'
import { findFreePort } from './port.ts'
import { upFiles } from './up-files.ts'

/**
 * The server that a load test calls: the named one, otherwise the one that runs on this machine, otherwise a temporary one
 * with a data folder of its own, which is deleted afterwards. So the tasks of a load test never remain in the user's data.
 *
 * @throws CliError `unreachable` when the named server is not reachable, `failed` when another load test has the temporary one.
 */
export async function acquireTestServer(options: AcquireOptions): Promise<EphemeralServer> {
  const { config, server, certificates, signal, say } = options
  const located = await locateServer(options)
  if ((await readServerVersion(located.url, signal, certificates)) !== null) {
    return { ...located, async [Symbol.asyncDispose]() {} }
  }
  signal.throwIfAborted()
  if (server !== undefined || config.hasAddress) {
    throw new CliError('unreachable', `No PixelFlow server is reachable at ${located.url}.`, {
      remedy:
        'Start it with ./pixelflow up, or correct --server, PIXELFLOW_URL or PIXELFLOW_HTTP_PORT. ' +
        'Without an address, the load test starts a temporary server.',
    })
  }

  const folder = join(config.dataDir, 'loadtest')
  const scope = new AsyncDisposableStack()
  try {
    const held = tryLock(join(folder, 'server.lock'), 'exclusive')
    if (held === null) {
      throw new CliError('failed', 'Another load test runs its temporary server.', {
        remedy: 'Wait until it has ended, or give a server with --server.',
      })
    }
    scope.use(held)
    const dataDir = join(folder, 'server')
    // An `up` that was killed leaves its data.
    const removeData = async () => {
      if (!(await isHeld(upFiles(dataDir).upLock))) await rm(dataDir, { recursive: true, force: true })
    }
    await removeData()
    scope.defer(removeData)
    const serverUrl = `${config.tlsCertFile === undefined ? 'http' : 'https'}://127.0.0.1:${await findFreePort()}`
    say('no server runs on this machine')
    const acquired = await acquireServer({
      ...options,
      config: { ...config, dataDir, serverUrl, hasAddress: false },
    })
    scope.use(acquired)
    const { url, grpc } = acquired
    return { url, grpc, [Symbol.asyncDispose]: () => scope.disposeAsync() }
  } catch (error) {
    await scope.disposeAsync()
    throw error
  }
}

import { freePort } from '@pixelflow/testkit/port'
import { launch } from '@pixelflow/testkit/process'
import { UsageError } from '../usage-error.ts'

export interface Redis extends AsyncDisposable {
  readonly pid: number
  readonly port: number
}

/**
 * Starts redis-server on loopback with an append-only file that is synced every second, as its manual recommends for queues.
 * @throws UsageError when there is no redis-server.
 */
export async function startRedis(folder: string): Promise<Redis> {
  const port = await freePort()
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
  }
  const running = launch({
    command: [
      findRedisServer(),
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    cwd: folder,
  })
  await running.line((text) => text.includes('Ready to accept connections'))
  return { pid: running.pid, port, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

/**
 * @param path folders that are searched, separated as in PATH; default PATH.
 * @throws UsageError that names the package.
 */
export function findRedisServer(path?: string): string {
  const found = Bun.which('redis-server', path === undefined ? {} : { PATH: path })
  if (found !== null) return found
  throw new UsageError('redis-server is not on PATH.', {
    field: '--systems',
    remedy:
      'Install the Debian package redis-server (apt-get install redis-server), or leave the alternative out: --systems pixelflow,sharp,stored',
  })
}

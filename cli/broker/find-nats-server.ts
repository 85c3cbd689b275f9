import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { Config } from '../config.ts'
import { build, type BuildOptions } from '../tools/go.ts'
import { readPinnedTool } from '../tools/pinned-tool.ts'
import { downloadNatsServer } from './download-nats-server.ts'
import { isSupportedVersion, minimumVersion, readNatsVersion } from './nats-version.ts'

export interface NatsServerSearch extends BuildOptions {
  /** Value of `PIXELFLOW_NATS_SERVER_PATH`; no other nats-server is used if it is set. */
  readonly named?: string | undefined
  readonly downloadUrl: string
}

export interface NatsServerProgram {
  readonly path: string
  readonly version: string
  readonly from: 'PIXELFLOW_NATS_SERVER_PATH' | 'PATH' | 'cache' | 'download' | 'build'
}

/** Finds the nats-server that the settings ask for. @throws CliError */
export function findNatsServerFor(config: Config, say: NatsServerSearch['say']): Promise<NatsServerProgram> {
  const { root, cacheDir, natsServer: named, natsDownloadUrl: downloadUrl, env } = config
  return findNatsServer({ root, cacheDir, path: env['PATH'], named, downloadUrl, say })
}

/**
 * Finds a nats-server: the named one, or the first of: on PATH, in the cache, downloaded, built with Go. Reports the reason
 * for each that cannot be used.
 *
 * @throws CliError when none can be used; the remedy says what to install.
 */
export async function findNatsServer(search: NatsServerSearch): Promise<NatsServerProgram> {
  if (search.named !== undefined) return requireUsable(search.named)
  const onPath = await findOnPath(search)
  if (onPath) return onPath

  const tool = await readPinnedTool(search.root, 'nats-server')
  const cached = join(search.cacheDir, 'nats-server', tool.version, 'nats-server')
  const cachedProgram = (from: NatsServerProgram['from']): NatsServerProgram => ({
    path: cached,
    version: tool.version,
    from,
  })
  if ((await readNatsVersion(cached)) === tool.version) return cachedProgram('cache')

  search.say(`downloading nats-server ${tool.version} (once, about 7 MB) …`)
  const failure = await downloadNatsServer(
    { baseUrl: search.downloadUrl, version: tool.version },
    cached,
  ).then(
    () => null,
    (error: Error) => error.message,
  )
  if (failure === null) return cachedProgram('download')
  search.say(`nats-server was not downloaded. ${failure}`)
  try {
    await build('nats-server', tool, cached, search)
    return cachedProgram('build')
  } catch (error) {
    throw new CliError('failed', `No nats-server found. ${(error as Error).message}`, {
      remedy:
        `Install nats-server ${minimumVersion} or newer (https://nats.io/download/) on PATH, or set PIXELFLOW_NATS_SERVER_PATH to its ` +
        'path or NATS_URL to the address of a running one, or install Go, which can build it.',
      cause: error,
    })
  }
}

async function requireUsable(path: string): Promise<NatsServerProgram> {
  const version = await readNatsVersion(path)
  if (version === null) {
    const problem = existsSync(path) ? 'is not a nats-server for this machine' : 'does not exist'
    throw new CliError('usage', `PIXELFLOW_NATS_SERVER_PATH=${path} ${problem}.`, {
      remedy: 'Correct the path, or unset the variable to use another nats-server.',
    })
  }
  if (!isSupportedVersion(version))
    throw new CliError('usage', ...createTooOldError(`PIXELFLOW_NATS_SERVER_PATH=${path}`, version))
  return { path, version, from: 'PIXELFLOW_NATS_SERVER_PATH' }
}

async function findOnPath({ path, say }: NatsServerSearch): Promise<NatsServerProgram | null> {
  const found = Bun.which('nats-server', path === undefined ? {} : { PATH: path })
  if (!found) return null
  const version = await readNatsVersion(found)
  if (version !== null && isSupportedVersion(version))
    return { path: realpathSync(found), version, from: 'PATH' }
  say(
    version === null
      ? `ignoring ${found}: it does not run, or is not a nats-server`
      : `ignoring ${found}: it is version ${version}; PixelFlow needs ${minimumVersion} or newer`,
  )
  return null
}

/** Message and remedy for a server of the settings that is too old. */
export function createTooOldError(name: string, version: string): [string, { remedy: string }] {
  return [
    `${name} is nats-server ${version}; PixelFlow needs ${minimumVersion} or newer.`,
    { remedy: 'Update it, or unset the variable to use another nats-server.' },
  ]
}

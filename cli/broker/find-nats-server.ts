import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { build, type BuildOptions } from '../tools/go.ts'
import { readPinnedTool } from '../tools/pinned-tool.ts'
import { downloadNatsServer } from './download-nats-server.ts'
import { isSupportedVersion, minimumVersion, readNatsVersion } from './nats-version.ts'

export interface NatsServerSearch extends BuildOptions {
  /** Value of `PIXELFLOW_NATS_SERVER_PATH`: only this one will do. */
  readonly named?: string | undefined
  readonly downloadUrl: string
}

export interface NatsServerProgram {
  readonly path: string
  readonly version: string
  readonly from: 'PIXELFLOW_NATS_SERVER_PATH' | 'PATH' | 'cache' | 'download' | 'build'
}

/**
 * A nats-server to start: the one named, else the one on PATH, in the cache, downloaded, or built with Go, in this
 * order. Each way that fails says why in one line, and the next one is tried; a named one is used or refused.
 *
 * @throws CliError that says what to install when no way leads to one.
 */
export async function findNatsServer(search: NatsServerSearch): Promise<NatsServerProgram> {
  if (search.named !== undefined) return named(search.named)
  const onPath = await fromPath(search)
  if (onPath) return onPath

  const tool = await readPinnedTool(search.root, 'nats-server')
  const cached = join(search.cacheDir, 'nats-server', tool.version, 'nats-server')
  const whole = (from: NatsServerProgram['from']): NatsServerProgram => ({
    path: cached,
    version: tool.version,
    from,
  })
  if ((await readNatsVersion(cached)) === tool.version) return whole('cache')

  search.say(`downloading nats-server ${tool.version} (once, about 7 MB) …`)
  const refused = await downloadNatsServer(
    { baseUrl: search.downloadUrl, version: tool.version },
    cached,
  ).then(
    () => null,
    (error: Error) => error.message,
  )
  if (refused === null) return whole('download')
  search.say(`nats-server was not downloaded: ${refused}`)
  try {
    await build('nats-server', tool, cached, search)
    return whole('build')
  } catch (error) {
    throw new CliError('failed', `There is no nats-server. ${(error as Error).message}`, {
      remedy:
        `Install nats-server ${minimumVersion} or newer (https://nats.io/download/) so that it is on PATH, ` +
        'or name it with PIXELFLOW_NATS_SERVER_PATH, or name a running one with NATS_URL, or install Go to have it built.',
      cause: error,
    })
  }
}

async function named(path: string): Promise<NatsServerProgram> {
  const version = await readNatsVersion(path)
  if (version === null) {
    throw new CliError(
      'usage',
      `PIXELFLOW_NATS_SERVER_PATH=${path} is not a nats-server that runs on this machine.`,
      {
        remedy: 'Correct the path, or unset the variable to have one found.',
      },
    )
  }
  if (!isSupportedVersion(version))
    throw new CliError('usage', ...tooOldError(`PIXELFLOW_NATS_SERVER_PATH=${path}`, version))
  return { path, version, from: 'PIXELFLOW_NATS_SERVER_PATH' }
}

async function fromPath({ path, say }: NatsServerSearch): Promise<NatsServerProgram | null> {
  const found = Bun.which('nats-server', path === undefined ? {} : { PATH: path })
  if (!found) return null
  const version = await readNatsVersion(found)
  if (version !== null && isSupportedVersion(version))
    return { path: realpathSync(found), version, from: 'PATH' }
  say(
    version === null
      ? `ignoring ${found}: it does not run or is not a nats-server`
      : `ignoring ${found}: it is version ${version}, and ${minimumVersion} or newer is needed`,
  )
  return null
}

/** Message and remedy for a server that the settings name and that is too old. */
export function tooOldError(name: string, version: string): [string, { remedy: string }] {
  return [
    `${name} is nats-server ${version}; PixelFlow needs ${minimumVersion} or newer.`,
    { remedy: 'Update it, or unset the variable to have a fitting one found.' },
  ]
}

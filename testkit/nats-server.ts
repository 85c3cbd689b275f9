import { mkdir, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The Go module that pins the version. */
const moduleFolder = join(import.meta.dir, '../tools/nats-server')

let found: Promise<string> | undefined

/**
 * Path of a nats-server: `PIXELFLOW_NATS_SERVER_PATH`, else on PATH, else in the cache, else built into the cache with Go (once,
 * half a minute). Tests need a real server, so they fail when there is none, instead of being skipped.
 */
export function natsServer(): Promise<string> {
  found ??= find()
  return found
}

async function find(): Promise<string> {
  const named = Bun.env['PIXELFLOW_NATS_SERVER_PATH']
  if (named) return named
  const onPath = Bun.which('nats-server')
  if (onPath) return onPath
  const cached = cachedPath(await readPinnedVersion())
  if (await Bun.file(cached).exists()) return cached
  await build(cached)
  return cached
}

async function readPinnedVersion(): Promise<string> {
  const module = await Bun.file(join(moduleFolder, 'go.mod')).text()
  const version = /nats-server\/v2 v([\d.]+)/.exec(module)?.[1]
  if (version === undefined) throw new Error(`${moduleFolder}/go.mod names no version of nats-server.`)
  return version
}

function cachedPath(version: string): string {
  const { PIXELFLOW_CACHE_DIR, XDG_CACHE_HOME } = Bun.env
  const cache = PIXELFLOW_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'pixelflow')
  return join(cache, 'nats-server', version, 'nats-server')
}

async function build(target: string): Promise<void> {
  const go = Bun.which('go')
  if (!go)
    throw new Error(
      'nats-server was not found. Install it, or Go to build it, or set PIXELFLOW_NATS_SERVER_PATH.',
    )
  await mkdir(dirname(target), { recursive: true })
  // Built under another name and renamed, because two test runs may build at once.
  const fresh = `${target}.${process.pid}`
  const build = Bun.spawn([go, 'build', '-trimpath', '-o', fresh, 'github.com/nats-io/nats-server/v2'], {
    cwd: moduleFolder,
    env: { ...Bun.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [code, errors] = await Promise.all([build.exited, build.stderr.text()])
  if (code !== 0) throw new Error(`Building nats-server in ${moduleFolder} failed:\n${errors}`)
  await rename(fresh, target)
}

import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { lock } from '../lock.ts'
import { readPinnedTool, type PinnedTool } from './pinned-tool.ts'

/** Where tools are built, and how progress is reported. */
export interface BuildOptions {
  /** The checkout, which holds `tools/`. */
  readonly root: string
  readonly cacheDir: string
  /** PATH to search for Go, besides its default folder. */
  readonly path?: string | undefined
  /** Reports progress, one line per call. */
  readonly say: (text: string) => void
}

/** The largest tool takes four minutes on two cores, and other processes may be building too. */
const buildTimeoutMs = 30 * 60_000
/** Interval of the progress reports. */
const progressEveryMs = 20_000

/**
 * Builds the program that `tools/<name>` pins into the cache unless it exists there, and returns its path. Every version of
 * `go.sum` has its own place in the cache.
 *
 * @throws CliError `failed` when Go is missing or the build fails.
 */
export async function buildGoTool(name: string, options: BuildOptions): Promise<string> {
  const tool = await readPinnedTool(options.root, name)
  const files = ['go.mod', 'go.sum'].map((file) => Bun.file(join(tool.folder, file)).bytes())
  const hasher = new Bun.CryptoHasher('sha256')
  for (const bytes of await Promise.all(files)) hasher.update(bytes)
  const key = hasher.digest('hex').slice(0, 16)
  return build(name, tool, join(options.cacheDir, 'tools', name, `${tool.version}-${key}`, name), options)
}

/** Builds a pinned program to `target` unless it exists. Concurrent calls build it once. */
export async function build(
  name: string,
  tool: PinnedTool,
  target: string,
  options: BuildOptions,
): Promise<string> {
  if (await Bun.file(target).exists()) return target
  const go = findGo(options.path)
  if (!go) {
    throw new CliError('failed', `${name} ${tool.version} must be built, but Go was not found on PATH.`, {
      remedy: 'Install Go 1.26 or newer from your package manager or https://go.dev/dl/.',
    })
  }
  await mkdir(dirname(target), { recursive: true })
  using held = await lock(`${target}.lock`, 'exclusive', { timeoutMs: buildTimeoutMs })
  if (!held) {
    throw new CliError('failed', `Another process has been building ${name} for half an hour.`, {
      remedy: 'Wait until it has ended, or stop it, and try again.',
    })
  }
  if (await Bun.file(target).exists()) return target

  options.say(`building ${name} ${tool.version} with Go (once, a minute or so) …`)
  const started = performance.now()
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}`)
  const compile = Bun.spawn([go, 'build', '-trimpath', '-ldflags=-s -w', '-o', fresh, tool.program], {
    cwd: tool.folder,
    env: { ...Bun.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: buildTimeoutMs,
  })
  // The compiler ends with this process.
  const kill = () => compile.kill()
  process.once('exit', kill)
  const progress = setInterval(
    () =>
      options.say(`still building ${name}, after ${Math.round((performance.now() - started) / 1000)} s …`),
    progressEveryMs,
  )
  const [code, errors] = await Promise.all([compile.exited, compile.stderr.text()])
  clearInterval(progress)
  process.off('exit', kill)
  if (code !== 0) {
    await rm(fresh, { force: true })
    const last = errors.trim().split('\n').slice(-15).join('\n')
    throw new CliError('failed', `Building ${name} ${tool.version} with Go failed:\n${last}`, {
      remedy: `Run \`go build ${tool.program}\` in ${tool.folder} to see the complete output. It needs the Go module proxy.`,
    })
  }
  await chmod(fresh, 0o755)
  await rename(fresh, target)
  options.say(`built ${name} in ${Math.round((performance.now() - started) / 1000)} s`)
  return target
}

/** Finds Go on PATH or in its default folder; null when it is not installed. */
export function findGo(path: string | undefined): string | null {
  return Bun.which('go', path === undefined ? {} : { PATH: path }) ?? Bun.which('/usr/local/go/bin/go')
}

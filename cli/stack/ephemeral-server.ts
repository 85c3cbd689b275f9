import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makePrivateFile, makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import type { Config } from '../config.ts'
import type { Certificates } from '../client/certificates.ts'
import { readServerVersion } from '../client/open-client.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import { isHeld, lock, tryLock } from '../lock.ts'
import { upFiles } from './up-files.ts'

/** A server that runs at least until it is disposed. */
export interface EphemeralServer extends AsyncDisposable {
  readonly url: string
  /** Where it speaks gRPC; undefined when no record states it. */
  readonly grpc: string | undefined
}

export interface AcquireOptions {
  readonly config: Config
  /** Base address; undefined when the caller names none. */
  readonly server: string | undefined
  /** What we trust and show, where it speaks TLS. */
  readonly certificates?: Certificates | undefined
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

const slowestStartMs = 10 * 60_000
const slowestStopMs = 15_000

/**
 * The server that a command talks to. When none answers at an address of this machine, the stack is started for as
 * long as commands use it. These commands share a lock; the last one stops the stack, and when that one is killed, the
 * stack finds the lock free and ends.
 *
 * @throws CliError when no server answers at the address and it is not of this machine, or the stack does not start.
 */
export async function acquireServer(options: AcquireOptions): Promise<EphemeralServer> {
  const { config, server, certificates, signal, say } = options
  const url = server ?? config.serverUrl
  const isOurs = (address: string) => readServerVersion(address, signal, certificates)
  const plain = (address: string): EphemeralServer => ({
    url: address,
    grpc: undefined,
    async [Symbol.asyncDispose]() {},
  })
  if (!isLocal(url, config.tlsCertFile !== undefined)) return plain(url)

  const place = upFiles(config.dataDir)
  const using = await holdShared(place.usersLock, signal)
  try {
    if (await isOurs(url)) return using ? await shared(url) : plain(url)
    if (signal.aborted) throw new CliError('interrupted', 'Interrupted.')
    const other = await place.read()
    const elsewhere = other !== null && other.url !== url && (await isOurs(other.url)) ? other.url : undefined
    if (elsewhere !== undefined && !config.addressGiven && server === undefined)
      return await shared(elsewhere)
    // A folder has one stack: starting a second in it could only wait for the first to end.
    if (elsewhere !== undefined) throw runsElsewhere(url, elsewhere, config.dataDir)
    if (other?.url.startsWith('https:') && (await isHeld(place.upLock))) throw untrusted(other.url)
    await requireUnused(url, signal)
    // The caller named a server: another one, with none of its images and tasks, would not be the same.
    if (server !== undefined) throw notRunning(url)
    if (!using)
      throw new CliError(
        'unreachable',
        `No PixelFlow server answers at ${url}, and ${config.dataDir} cannot be written.`,
        {
          remedy: 'Name a server with --server, or a folder for one in PIXELFLOW_DATA_DIR.',
        },
      )
    say(`no server answers at ${url}: starting one for as long as this takes`)
    const child = startTemporary(config, url, place.logFile)
    await untilReady(child)
    return await shared(url, child.pid)
  } catch (error) {
    using?.[Symbol.dispose]()
    throw error
  }

  async function shared(address: string, started?: number): Promise<EphemeralServer> {
    const record = await place.read()
    return {
      url: address,
      grpc: record?.url === address ? record.grpc || undefined : undefined,
      async [Symbol.asyncDispose]() {
        using?.[Symbol.dispose]()
        const last = await place.read()
        // A record without the lock is one that a killed stack has left behind.
        if (!last?.temporary || !(await isHeld(place.upLock))) return
        // No other command holds the lock, and none can take it now, so the stack can end.
        const alone = tryLock(place.usersLock, 'exclusive')
        if (!alone) return
        process.kill(last.pid, 'SIGTERM')
        const ended = await lock(place.upLock, 'exclusive', { timeoutMs: slowestStopMs })
        ended?.[Symbol.dispose]()
        alone[Symbol.dispose]()
        say(started === undefined ? 'stopped the server that was shared' : 'stopped the server again')
      },
    }
  }

  async function untilReady(child: { exited: Promise<number>; pid: number }): Promise<void> {
    let code: number | undefined
    void child.exited.then((value) => (code = value))
    const deadline = performance.now() + slowestStartMs
    while (performance.now() < deadline) {
      if (signal.aborted) {
        process.kill(child.pid, 'SIGTERM')
        await child.exited
        throw new CliError('interrupted', 'Interrupted while the server was starting.')
      }
      if ((await place.read()) && (await isOurs(url))) return
      // One that found another one starting has left it to that one.
      if (code !== undefined && !(await isHeld(place.upLock))) break
      await Bun.sleep(50)
    }
    const log = await readFile(place.logFile, 'utf8').catch(() => '')
    const tail = log.trim().split('\n').slice(-12).join('\n')
    // The exit code of the stack states the kind of the error, as that of any command.
    throw new CliError(code === exitCodes.usage ? 'usage' : 'failed', `The server did not start:\n${tail}`, {
      remedy: `Correct what these lines name; the whole log is ${place.logFile}.`,
    })
  }
}

async function holdShared(file: string, signal: AbortSignal): Promise<Disposable | null> {
  try {
    return await lock(file, 'shared', { timeoutMs: slowestStopMs, signal })
  } catch {
    // A folder that cannot be written to is no reason not to use a server that runs.
    return null
  }
}

function notRunning(url: string): CliError {
  return new CliError('unreachable', `No PixelFlow server answers at ${url}.`, {
    field: '--server',
    remedy: 'Start one with ./pixelflow up, or leave --server out to have one started for this command.',
  })
}

function runsElsewhere(url: string, other: string, dataDir: string): CliError {
  return new CliError('unreachable', `No server answers at ${url}; the one of ${dataDir} runs at ${other}.`, {
    remedy: `Use that one with --server ${other}, or name another folder in PIXELFLOW_DATA_DIR to start one there.`,
  })
}

function untrusted(url: string): CliError {
  return new CliError('unreachable', `PixelFlow runs at ${url}, and its certificate is not trusted.`, {
    remedy: `Name its authority with --ca or PIXELFLOW_CA_FILE, and call it with --server ${url}.`,
  })
}

/** Refuses to start on a port that another program uses. */
async function requireUnused(url: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) }).catch(
    () => null,
  )
  if (!answer) return
  throw new CliError('unreachable', `What answers at ${url} is not a PixelFlow server.`, {
    remedy: 'Choose another port for PixelFlow: PIXELFLOW_HTTP_PORT=3001',
  })
}

function startTemporary(config: Config, url: string, logFile: string) {
  makePrivateFolder(dirname(logFile))
  makePrivateFile(logFile)
  const log = openSync(logFile, 'w', 0o600)
  const { hostname, port } = new URL(url)
  const child = Bun.spawn(
    [
      process.execPath,
      '--no-env-file',
      '--no-install',
      `--config=${join(config.root, 'bunfig.toml')}`,
      join(config.root, 'cli/main.ts'),
      'up',
      '--temporary',
    ],
    {
      env: {
        ...config.env,
        PIXELFLOW_HOST: hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, ''),
        PIXELFLOW_HTTP_PORT: port || '80',
        // No caller expects a fixed port; the usual one may belong to an `up` of another folder.
        PIXELFLOW_GRPC_PORT: config.env['PIXELFLOW_GRPC_PORT'] ?? '0',
        PIXELFLOW_DATA_DIR: config.dataDir,
        PIXELFLOW_CACHE_DIR: config.cacheDir,
        PIXELFLOW_LOG_FORMAT: 'json',
        ...(config.natsServer === undefined ? {} : { PIXELFLOW_NATS_SERVER_PATH: config.natsServer }),
      },
      // Neither Ctrl-C nor the end of this terminal is meant for it: others may be using it by then.
      detached: true,
      stdin: 'ignore',
      stdout: log,
      stderr: log,
    },
  )
  closeSync(log)
  child.unref()
  return child
}

/** Whether the address is one that a server which we start would have. */
function isLocal(url: string, withTls: boolean): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === (withTls ? 'https:' : 'http:') && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

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

/** A server that runs at least until this is disposed. */
export interface EphemeralServer extends AsyncDisposable {
  readonly url: string
  /** Its gRPC address; undefined when unknown. */
  readonly grpc: string | undefined
}

export interface AcquireOptions {
  readonly config: Config
  /** Base address; undefined without `--server`. */
  readonly server: string | undefined
  /** The certificate authority to trust, and the client certificate, for TLS. */
  readonly certificates?: Certificates | undefined
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

const startTimeoutMs = 10 * 60_000
const stopTimeoutMs = 15_000

/**
 * The server that a command calls. If none is reachable at an address of this machine, a temporary `up` is started and runs
 * while commands use it. These commands share a lock; the last one stops the `up`. If the last one is killed, the `up` finds
 * the lock free and exits.
 *
 * @throws CliError when no server is reachable and none can be started.
 */
export async function acquireServer(options: AcquireOptions): Promise<EphemeralServer> {
  const { config, server, certificates, signal, say } = options
  const url = server ?? config.serverUrl
  const isPixelflow = (address: string) => readServerVersion(address, signal, certificates)
  const plain = (address: string): EphemeralServer => ({
    url: address,
    grpc: undefined,
    async [Symbol.asyncDispose]() {},
  })
  if (!isLocal(url, config.tlsCertFile !== undefined)) return plain(url)

  const files = upFiles(config.dataDir)
  const users = await holdShared(files.usersLock, signal)
  try {
    if (await isPixelflow(url)) return users ? await shared(url) : plain(url)
    if (signal.aborted) throw new CliError('interrupted', 'Interrupted.')
    const other = await files.read()
    const elsewhere =
      other !== null && other.url !== url && (await isPixelflow(other.url)) ? other.url : undefined
    if (elsewhere !== undefined && !config.hasAddress && server === undefined) return await shared(elsewhere)
    // A second `up` on the same data folder would not start.
    if (elsewhere !== undefined) throw runsElsewhere(url, elsewhere, config.dataDir)
    if (other?.url.startsWith('https:') && (await isHeld(files.upLock))) throw untrusted(other.url)
    await requireUnused(url, signal)
    // A new server would not have the images and tasks of the server that the user named.
    if (server !== undefined) throw notRunning(url)
    if (!users)
      throw new CliError(
        'unreachable',
        `No PixelFlow server is reachable at ${url}, and ${config.dataDir} is not writable, so none can be started.`,
        {
          remedy: 'Give a server with --server, or a writable folder with PIXELFLOW_DATA_DIR.',
        },
      )
    say(`no server is reachable at ${url}; starting a temporary one`)
    const child = startTemporary(config, url, files.logFile)
    await waitUntilReady(child)
    return await shared(url)
  } catch (error) {
    users?.[Symbol.dispose]()
    throw error
  }

  async function shared(address: string): Promise<EphemeralServer> {
    const record = await files.read()
    return {
      url: address,
      grpc: record?.url === address ? record.grpc || undefined : undefined,
      async [Symbol.asyncDispose]() {
        users?.[Symbol.dispose]()
        const last = await files.read()
        // Without the lock, the record is of an `up` that was killed.
        if (!last?.temporary || !(await isHeld(files.upLock))) return
        // No other command holds the lock, and none can take it now, so the server can stop.
        const alone = tryLock(files.usersLock, 'exclusive')
        if (!alone) return
        process.kill(last.pid, 'SIGTERM')
        const ended = await lock(files.upLock, 'exclusive', { timeoutMs: stopTimeoutMs })
        ended?.[Symbol.dispose]()
        alone[Symbol.dispose]()
        say('stopped the temporary server')
      },
    }
  }

  async function waitUntilReady(child: { exited: Promise<number>; pid: number }): Promise<void> {
    let code: number | undefined
    void child.exited.then((value) => (code = value))
    const deadline = performance.now() + startTimeoutMs
    while (performance.now() < deadline) {
      if (signal.aborted) {
        process.kill(child.pid, 'SIGTERM')
        await child.exited
        throw new CliError('interrupted', 'Interrupted while the server was starting.')
      }
      if ((await files.read()) && (await isPixelflow(url))) return
      // The process exits if another command is starting the server; then the lock is held.
      if (code !== undefined && !(await isHeld(files.upLock))) break
      await Bun.sleep(50)
    }
    const log = await readFile(files.logFile, 'utf8').catch(() => '')
    const tail = log.trim().split('\n').slice(-12).join('\n')
    // `up` exits with the same codes as any command.
    throw new CliError(code === exitCodes.usage ? 'usage' : 'failed', `The server did not start:\n${tail}`, {
      remedy: `Fix the error in these lines. The complete log is ${files.logFile}.`,
    })
  }
}

async function holdShared(file: string, signal: AbortSignal): Promise<Disposable | null> {
  try {
    return await lock(file, 'shared', { timeoutMs: stopTimeoutMs, signal })
  } catch {
    // A running server can be used even if the folder is not writable.
    return null
  }
}

function notRunning(url: string): CliError {
  return new CliError('unreachable', `No PixelFlow server is reachable at ${url}.`, {
    field: '--server',
    remedy: 'Start one with ./pixelflow up, or omit --server to start a temporary one.',
  })
}

function runsElsewhere(url: string, other: string, dataDir: string): CliError {
  return new CliError(
    'unreachable',
    `No server is reachable at ${url}. The server of ${dataDir} runs at ${other}.`,
    {
      remedy: `Use it with --server ${other}, or set PIXELFLOW_DATA_DIR to another folder to start another one.`,
    },
  )
}

function untrusted(url: string): CliError {
  return new CliError('unreachable', `PixelFlow runs at ${url}, but its certificate is not trusted.`, {
    remedy: `Give its certificate authority with --ca or PIXELFLOW_CA_FILE, and its address with --server ${url}.`,
  })
}

/** @throws CliError when another program uses the port. */
async function requireUnused(url: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) }).catch(
    () => null,
  )
  if (!answer) return
  throw new CliError('unreachable', `The server at ${url} is not a PixelFlow server.`, {
    remedy: 'Use another port for PixelFlow: PIXELFLOW_HTTP_PORT=3001',
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
        // No client expects a fixed gRPC port, and an `up` of another folder may use the default one.
        PIXELFLOW_GRPC_PORT: config.env['PIXELFLOW_GRPC_PORT'] ?? '0',
        PIXELFLOW_DATA_DIR: config.dataDir,
        PIXELFLOW_CACHE_DIR: config.cacheDir,
        PIXELFLOW_LOG_FORMAT: 'json',
        ...(config.natsServer === undefined ? {} : { PIXELFLOW_NATS_SERVER_PATH: config.natsServer }),
      },
      // Other commands may use the server when this one is interrupted or the terminal is closed.
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

/** Whether a server that this command starts would have this address. */
function isLocal(url: string, withTls: boolean): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === (withTls ? 'https:' : 'http:') && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

import { existsSync } from 'node:fs'
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFile, makePrivateFolder, UnsafePath } from '@pixelflow/platform/config/private-folder'
import { findNatsServer } from '../broker/find-nats-server.ts'
import { requireBroker, prepareOwnBroker } from '../broker/own-broker.ts'
import { watchBroker } from '../broker/watch-broker.ts'
import type { Config } from '../config.ts'
import { CliError } from '../cli-error.ts'
import { tryLock } from '../lock.ts'
import { bestDieWithParentMethod } from './die-with-parent.ts'
import { requireFreePort } from './port.ts'
import { upFiles } from './up-files.ts'
import { supervise, type ServiceProgram, type SupervisedProcess } from './supervise.ts'
import type { LogEntry } from './log-entry.ts'
import type { LogRenderer } from './log-renderer.ts'

export interface UpOptions {
  readonly config: Config
  readonly log: LogRenderer
  /** Changes the entries of the processes before they are logged. */
  readonly present?: (entry: LogEntry) => LogEntry
  /** Reports what is downloaded or built. */
  readonly say: (text: string) => void
  /** Ends when no command uses it any more. */
  readonly temporary: boolean
  /** Interrupts the start. */
  readonly signal: AbortSignal
}

export interface Up {
  readonly url: string
  /** Address of the gRPC port, as `host:port`. */
  readonly grpc: string
  /** Origin of its nats-server, or the address of the one that `NATS_URL` names. */
  readonly broker: string
  /** Drains the gateway and the actors, then stops the broker; at most 10 s with the usual settings. */
  stop(): Promise<void>
  /** Ends everything at once. */
  kill(): void
}

/** Time for the broker to end; it has no work to finish. */
const brokerGraceMs = 1500
/** Time for a service to end after its drain. */
const drainMarginMs = 400

/**
 * Starts nats-server (unless `NATS_URL` names one), the gateway and the actors, and keeps them running.
 *
 * @throws CliError when another one runs on this data folder, when a port is taken, when no nats-server is found, or
 *   when a process does not start. No process is left running then.
 */
export async function startUp({ config, log, present, say, temporary, signal }: UpOptions): Promise<Up> {
  await makeDataDir(config.dataDir)
  const place = upFiles(config.dataDir)
  const held = tryLock(place.upLock, 'exclusive')
  if (!held) throw await alreadyRunning(config, await place.read())
  const running: { graceMs: number; processes: SupervisedProcess[] }[] = []
  let stopped: Promise<void> | undefined
  const watching = new AbortController()
  const stop = async () => {
    watching.abort()
    // In the reverse order of their start.
    for (const { graceMs, processes } of running.toReversed()) {
      await Promise.all(processes.map((one) => one.stop(graceMs)))
    }
    place.remove()
    held[Symbol.dispose]()
  }
  const up = {
    stop: () => (stopped ??= stop()),
    kill: () => {
      watching.abort()
      for (const one of running.flatMap((group) => group.processes)) one.kill()
    },
  }
  try {
    await requireFreePort(config.host, config.httpPort)
    await requireFreePort(config.host, config.grpcPort, 'PIXELFLOW_GRPC_PORT')
    const unlessAborted = racing(signal)
    const dieWithParent = config.dieWithParent ?? bestDieWithParentMethod()
    const run = (program: ServiceProgram) =>
      supervise(program, { dieWithParent, log: log(program.service), ...(present ? { present } : {}) })
    const base = environment(config)

    let broker: string
    let brokerEnv: Record<string, string> = {}
    if (config.natsUrl) {
      await unlessAborted(requireBroker(config.natsUrl))
      broker = config.natsUrl.join(', ')
    } else {
      const found = await unlessAborted(
        findNatsServer({
          root: config.root,
          cacheDir: config.cacheDir,
          named: config.natsServer,
          downloadUrl: config.natsDownloadUrl,
          path: config.env['PATH'],
          say,
        }),
      )
      const own = await prepareOwnBroker(found, join(config.dataDir, 'nats'), { PATH: config.env['PATH'] })
      const nats = run(own.program)
      running.push({ graceMs: brokerGraceMs, processes: [nats] })
      await unlessAborted(nats.ready)
      await own.requireSupportedVersion()
      const { url: natsUrl, store, system } = own
      const restart = () => nats.restart(brokerGraceMs)
      const brokerLog = log('up')
      watchBroker({ url: natsUrl, ...system, store, restart, log: brokerLog }, watching.signal).catch(
        (error: unknown) => brokerLog.error('nats-server is not watched', { error }),
      )
      brokerEnv = own.env
      broker = `nats-server ${found.version} from ${found.from}`
    }

    const env = { ...base, ...brokerEnv }
    const gateway = run(serviceProgram('gateway', config, env))
    const actors = run(serviceProgram('actors', config, env))
    running.push({ graceMs: config.drainTimeoutMs + drainMarginMs, processes: [gateway, actors] })
    const [entry] = await unlessAborted(Promise.all([gateway.ready, actors.ready]))
    const address = entry.fields['url']
    const url = (typeof address === 'string' ? address : config.serverUrl).replace(/\/$/, '')
    const grpc = typeof entry.fields['grpc'] === 'string' ? entry.fields['grpc'] : ''
    await place.write({ pid: process.pid, url, grpc, temporary, startedAt: new Date().toISOString() })
    return { url, grpc, broker, ...up }
  } catch (error) {
    await up.stop()
    throw error
  }
}

/** Awaits promises until the signal is aborted; then the wait ends with a CliError. */
function racing(signal: AbortSignal): <T>(awaited: Promise<T>) => Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(new CliError('interrupted', 'Interrupted while starting.'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
  aborted.catch(() => {})
  return (awaited) => Promise.race([awaited, aborted])
}

/** The environment of every service: ours, with the settings that `up` decides. */
function environment(config: Config): Record<string, string | undefined> {
  return {
    ...config.env,
    NODE_ENV: 'production',
    // Freed pages are kept for 10 s: returning them at once costs a gateway a third of its time for an image.
    MIMALLOC_PURGE_DELAY: config.env['MIMALLOC_PURGE_DELAY'] ?? '10000',
    PIXELFLOW_DATA_DIR: config.dataDir,
    PIXELFLOW_LOG_FORMAT: 'json',
    PIXELFLOW_NATS_PASSWORD: config.natsUrl ? config.env['PIXELFLOW_NATS_PASSWORD'] : undefined,
    PIXELFLOW_NATS_CREDS_FILE: config.natsUrl ? config.env['PIXELFLOW_NATS_CREDS_FILE'] : undefined,
  }
}

function serviceProgram(
  service: 'gateway' | 'actors',
  config: Config,
  env: Record<string, string | undefined>,
): ServiceProgram {
  const flags = ['--no-env-file', '--no-install', `--config=${join(config.root, 'bunfig.toml')}`]
  return {
    service,
    command: [process.execPath, ...flags, join(config.root, service, 'main.ts')],
    // Paths in the settings are relative to the folder of the caller.
    cwd: process.cwd(),
    env,
  }
}

async function makeDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
    // The folder itself may be a user's home, so only the files in it become private.
    const { upLock, usersLock } = upFiles(path)
    for (const file of [upLock, usersLock]) makePrivateFile(file)
    for (const name of ['gateway', 'nats', 'logs']) {
      if (existsSync(join(path, name))) makePrivateFolder(join(path, name))
    }
  } catch (error) {
    if (error instanceof UnsafePath) {
      throw new CliError('usage', error.problem, { field: 'PIXELFLOW_DATA_DIR', remedy: error.remedy })
    }
    const { code } = error as NodeJS.ErrnoException
    throw new CliError('usage', `The data folder ${path} cannot be written to (${code}).`, {
      field: 'PIXELFLOW_DATA_DIR',
      remedy: 'Give it to this user, or name another one: PIXELFLOW_DATA_DIR=/path/to/folder',
      cause: error,
    })
  }
}

async function alreadyRunning(
  config: Config,
  known: { pid: number; url: string; temporary: boolean } | null,
): Promise<CliError> {
  if (!known) {
    return new CliError('failed', `Another ./pixelflow up is starting or stopping on ${config.dataDir}.`, {
      remedy:
        'Wait a moment, or give this one another folder and port: PIXELFLOW_DATA_DIR, PIXELFLOW_HTTP_PORT.',
    })
  }
  const what = known.temporary ? 'A temporary PixelFlow, started by another command,' : 'PixelFlow'
  return new CliError('failed', `${what} is already running at ${known.url} (process ${known.pid}).`, {
    remedy: known.temporary
      ? 'It ends when that command is done.'
      : `Use it, or stop it with Ctrl-C or \`kill ${known.pid}\`, or give this one another folder and port: PIXELFLOW_DATA_DIR, PIXELFLOW_HTTP_PORT.`,
  })
}

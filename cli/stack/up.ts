import { existsSync } from 'node:fs'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFile, makePrivateFolder, UnsafePath } from '@pixelflow/platform/config/private-folder'
import { findNatsServerFor } from '../broker/find-nats-server.ts'
import { requireBroker, prepareOwnBroker } from '../broker/own-broker.ts'
import { watchBroker } from '../broker/watch-broker.ts'
import type { Config } from '../config.ts'
import { CliError } from '../cli-error.ts'
import { tryLock } from '../lock.ts'
import { chooseDieWithParentMethod } from './die-with-parent.ts'
import { requireFreePort } from './port.ts'
import { chooseSharedCacheDir } from './choose-shared-cache-dir.ts'
import { prepareServices } from './prepare-services.ts'
import type { ServiceName } from './find-bundle.ts'
import { upFiles } from './up-files.ts'
import { supervise, type ServiceProgram, type SupervisedProcess } from './supervise.ts'
import type { LogEntry } from './log-entry.ts'
import type { LogRenderer } from './log-renderer.ts'

export interface UpOptions {
  readonly config: Config
  readonly log: LogRenderer
  /** Changes the entries of the processes before they are logged. */
  readonly present?: (entry: LogEntry) => LogEntry
  /** Reports downloads and builds. */
  readonly say: (text: string) => void
  /** Stops when no command uses it. */
  readonly isTemporary: boolean
  /** Interrupts the start. */
  readonly signal: AbortSignal
}

export interface Up {
  readonly url: string
  /** Address of the gRPC port, as `host:port`. */
  readonly grpc: string
  /** Version and origin of the nats-server, or the value of `NATS_URL`. */
  readonly broker: string
  /** Drains the gateway and the actors, then stops the broker. Takes at most 10 s with the default settings. */
  stop(): Promise<void>
  /** Kills all processes. */
  kill(): void
}

/** Time for the broker to exit; it has no work to finish. */
const brokerGraceMs = 1500
/** Time for a service to exit after its drain. */
const drainMarginMs = 400

/**
 * Starts nats-server (unless `NATS_URL` names one), the gateway and the actors, and keeps them running.
 *
 * @throws InvalidSettings when a process reports invalid settings; CliError when another `up` uses this data folder, a port is in use, no nats-server is found, or a process does not
 *   start. Then it has stopped all processes.
 */
export async function startUp({ config, log, present, say, isTemporary, signal }: UpOptions): Promise<Up> {
  if (config.exitWithParent) {
    throw new CliError(
      'usage',
      'PIXELFLOW_EXIT_WITH_PARENT is for a gateway or an actor without ./pixelflow up.',
      {
        remedy: 'Unset it. The processes of ./pixelflow up end when it ends.',
      },
    )
  }
  await makeDataDir(config.dataDir)
  const files = upFiles(config.dataDir)
  const held = tryLock(files.upLock, 'exclusive')
  if (!held) throw await alreadyRunning(config, await files.read())
  const sharedCacheDir = await chooseSharedCacheDir(config.dataDir)
  const running: { graceMs: number; processes: SupervisedProcess[] }[] = []
  let stopped: Promise<void> | undefined
  const watching = new AbortController()
  const stop = async () => {
    watching.abort()
    // In reverse order of the start.
    for (const { graceMs, processes } of running.toReversed()) {
      await Promise.all(processes.map((one) => one.stop(graceMs)))
    }
    files.remove()
    // Empty now, unless an actor was killed.
    await rm(sharedCacheDir, { recursive: true, force: true })
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
    const unlessAborted = abortable(signal)
    const dieWithParent = config.dieWithParent ?? chooseDieWithParentMethod()
    const run = (program: ServiceProgram) =>
      supervise(program, { dieWithParent, log: log(program.service), ...(present ? { present } : {}) })
    const base = environment(config, sharedCacheDir)
    const preparing = handled(prepareServices(config.root, bunFlags(config), log('up')))

    let broker: string
    let brokerEnv: Record<string, string> = {}
    let brokerReady: Promise<void> = Promise.resolve()
    if (config.natsUrl) {
      await unlessAborted(requireBroker(config.natsUrl))
      broker = config.natsUrl.join(', ')
    } else {
      const found = await unlessAborted(findNatsServerFor(config, say))
      const own = await prepareOwnBroker(found, join(config.dataDir, 'nats'), config.env)
      const nats = run(own.program)
      running.push({ graceMs: brokerGraceMs, processes: [nats] })
      const brokerLog = log('up')
      const finishStart = async () => {
        await nats.ready
        await own.requireSupportedVersion()
        const restart = () => nats.restart(brokerGraceMs)
        watchBroker(
          { url: own.url, ...own.system, store: own.store, restart, log: brokerLog },
          watching.signal,
        ).catch((error: unknown) => brokerLog.error('health checks of nats-server failed', { error }))
      }
      brokerReady = handled(finishStart())
      brokerEnv = own.env
      broker = `nats-server ${found.version} from ${found.from}`
    }

    const env = { ...base, ...brokerEnv }
    const entries = await unlessAborted(preparing)
    const gateway = run(serviceProgram('gateway', entries.gateway, config, env))
    const actors = run(serviceProgram('actors', entries.actors, config, env))
    running.push({ graceMs: config.drainTimeoutMs + drainMarginMs, processes: [gateway, actors] })
    // The services load while the broker starts, and wait for it. When it does not start, its error is the reason.
    await unlessAborted(brokerReady)
    const [entry] = await unlessAborted(Promise.all([gateway.ready, actors.ready]))
    const address = entry.fields['url']
    const url = (typeof address === 'string' ? address : config.serverUrl).replace(/\/$/, '')
    const grpc = typeof entry.fields['grpc'] === 'string' ? entry.fields['grpc'] : ''
    await files.write({
      pid: process.pid,
      url,
      grpc,
      temporary: isTemporary,
      startedAt: new Date().toISOString(),
      traceRingFolder: config.traceRingFolder ?? null,
    })
    return { url, grpc, broker, ...up }
  } catch (error) {
    await up.stop()
    throw error
  }
}

/** A promise that is awaited later: without this, a rejection before that would end this process. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Returns a function that awaits a promise, but rejects with a CliError as soon as the signal aborts. */
function abortable(signal: AbortSignal): <T>(awaited: Promise<T>) => Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(new CliError('interrupted', 'Interrupted while starting.'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
  aborted.catch(() => {})
  return (awaited) => Promise.race([awaited, aborted])
}

/** The environment of every service: that of this process, with the settings of `up`. */
function environment(config: Config, sharedCacheDir: string): Record<string, string | undefined> {
  return {
    ...config.env,
    NODE_ENV: 'production',
    // Keeps freed pages for 10 s: returning them at once costs a third of a gateway's CPU time per image.
    MIMALLOC_PURGE_DELAY: config.env['MIMALLOC_PURGE_DELAY'] ?? '10000',
    // An idle process returns memory every 5 s: the default, ten times a second, is a part of its CPU time. The garbage collector
    // keeps its own timer, which bounds the memory of a flooded gateway.
    MIMALLOC_PURGE_HOLES_MIN_INTERVAL: config.env['MIMALLOC_PURGE_HOLES_MIN_INTERVAL'] ?? '5000',
    PIXELFLOW_DATA_DIR: config.dataDir,
    PIXELFLOW_SHARED_CACHE_DIR: config.env['PIXELFLOW_SHARED_CACHE_DIR'] ?? sharedCacheDir,
    PIXELFLOW_LOG_FORMAT: 'json',
    PIXELFLOW_TRACE_RING_DIR: config.traceRingFolder,
    PIXELFLOW_NATS_PASSWORD: config.natsUrl ? config.env['PIXELFLOW_NATS_PASSWORD'] : undefined,
    PIXELFLOW_NATS_CREDS_FILE: config.natsUrl ? config.env['PIXELFLOW_NATS_CREDS_FILE'] : undefined,
  }
}

function serviceProgram(
  service: ServiceName,
  entry: string,
  config: Config,
  env: Record<string, string | undefined>,
): ServiceProgram {
  return {
    service,
    command: [process.execPath, ...bunFlags(config), entry],
    // Paths in the settings are relative to the current folder of the user.
    cwd: process.cwd(),
    env,
  }
}

function bunFlags({ root }: Config): string[] {
  return ['--no-env-file', '--no-install', `--config=${join(root, 'bunfig.toml')}`]
}

async function makeDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
    // The folder may be the home of a user, so only the files in it are made private.
    const { upLock, usersLock } = upFiles(path)
    for (const file of [upLock, usersLock]) makePrivateFile(file)
    for (const name of ['gateway', 'nats', 'logs', 'traces', 'shared-cache']) {
      if (existsSync(join(path, name))) makePrivateFolder(join(path, name))
    }
  } catch (error) {
    if (error instanceof UnsafePath) {
      throw new CliError('usage', error.problem, { field: 'PIXELFLOW_DATA_DIR', remedy: error.remedy })
    }
    const { code } = error as NodeJS.ErrnoException
    throw new CliError('usage', `The data folder ${path} is not writable (${code}).`, {
      field: 'PIXELFLOW_DATA_DIR',
      remedy: 'Change its owner to this user, or use another one: PIXELFLOW_DATA_DIR=/path/to/folder',
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
        'Wait a moment, or use another folder and port with PIXELFLOW_DATA_DIR and PIXELFLOW_HTTP_PORT.',
    })
  }
  const subject = known.temporary ? 'A temporary PixelFlow, started by another command,' : 'PixelFlow'
  return new CliError('failed', `${subject} is already running at ${known.url} (process ${known.pid}).`, {
    remedy: known.temporary
      ? 'Wait until that command has ended.'
      : `Use it, stop it with Ctrl-C or \`kill ${known.pid}\`, or use another folder and port with PIXELFLOW_DATA_DIR and PIXELFLOW_HTTP_PORT.`,
  })
}

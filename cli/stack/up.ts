import { existsSync } from 'node:fs'
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFile, makePrivateFolder, UnsafePath } from '@pixelflow/platform/config/private-folder'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
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
import type { LogEntry } from './log-renderer.ts'

export interface UpOptions {
  readonly config: Config
  /** The log of a room. */
  readonly log: (room: string) => Logger
  /** How the log retells what the rooms say. */
  readonly present?: (said: LogEntry) => LogEntry
  /** Tells people what is fetched or built. */
  readonly say: (text: string) => void
  /** Ends when nobody uses it any more. */
  readonly temporary: boolean
  /** Gives up starting. */
  readonly signal: AbortSignal
}

export interface Up {
  readonly url: string
  /** Where gRPC is spoken, as `host:port`. */
  readonly grpc: string
  /** Where its nats-server came from, or the address of the one that was there. */
  readonly broker: string
  /** Drains the gateway and the actors, then stops the broker; at most 10 s with the usual settings. */
  stop(): Promise<void>
  /** Ends everything at once. */
  kill(): void
}

/** How long the broker gets to end; it has nothing to wait for. */
const brokerGraceMs = 1500
/** What a room gets on top of the time it takes for draining. */
const drainMarginMs = 400

/**
 * Starts nats-server (unless `NATS_URL` names one), the gateway and the actors, and keeps them running.
 *
 * @throws CliError when one is running on this data folder already, when the port is taken, when there is no nats-server
 *   to be had, or when a process does not start; nothing is left running then.
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
    // In turn, the last started first; those of one turn together.
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
      for (const one of running.flatMap((turn) => turn.processes)) one.kill()
    },
  }
  try {
    await requireFreePort(config.host, config.httpPort)
    await requireFreePort(config.host, config.grpcPort, 'PIXELFLOW_GRPC_PORT')
    const unlessAborted = racing(signal)
    const leash = config.leash ?? bestDieWithParentMethod()
    const keep = (program: ServiceProgram) =>
      supervise(program, { leash, log: log(program.room), ...(present ? { present } : {}) })
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
      const nats = keep(own.program)
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

    const rooms = ['gateway', 'actors'] as const
    const [gateway, actors] = rooms.map((room) => keep(roomProgram(room, config, { ...base, ...brokerEnv })))
    if (!gateway || !actors) throw new Error('two rooms make two programs')
    running.push({ graceMs: config.drainTimeoutMs + drainMarginMs, processes: [gateway, actors] })
    const [said] = await unlessAborted(Promise.all([gateway.ready, actors.ready]))
    const told = said.fields['url']
    const url = (typeof told === 'string' ? told : config.serverUrl).replace(/\/$/, '')
    const grpc = typeof said.fields['grpc'] === 'string' ? said.fields['grpc'] : ''
    await place.write({ pid: process.pid, url, grpc, temporary, startedAt: new Date().toISOString() })
    return { url, grpc, broker, ...up }
  } catch (error) {
    await up.stop()
    throw error
  }
}

/** Awaits things until the signal is aborted; then whatever is awaited ends with an CliError. */
function racing(signal: AbortSignal): <T>(awaited: Promise<T>) => Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(new CliError('interrupted', 'Interrupted while starting.'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
  aborted.catch(() => {})
  return (awaited) => Promise.race([awaited, aborted])
}

/** What every room is given: our environment, with what we have decided in place of what it said. */
function environment(config: Config): Record<string, string | undefined> {
  return {
    ...config.env,
    NODE_ENV: 'production',
    // Freed pages are kept for 10 s: giving them back at once costs a gateway a third of its time for a picture.
    MIMALLOC_PURGE_DELAY: config.env['MIMALLOC_PURGE_DELAY'] ?? '10000',
    PIXELFLOW_DATA_DIR: config.dataDir,
    PIXELFLOW_LOG_FORMAT: 'json',
    PIXELFLOW_NATS_PASSWORD: config.natsUrl ? config.env['PIXELFLOW_NATS_PASSWORD'] : undefined,
    PIXELFLOW_NATS_CREDS_FILE: config.natsUrl ? config.env['PIXELFLOW_NATS_CREDS_FILE'] : undefined,
  }
}

function roomProgram(
  room: 'gateway' | 'actors',
  config: Config,
  env: Record<string, string | undefined>,
): ServiceProgram {
  const flags = ['--no-env-file', '--no-install', `--config=${join(config.root, 'bunfig.toml')}`]
  return {
    room,
    command: [process.execPath, ...flags, join(config.root, room, 'main.ts')],
    // Paths in the settings are relative to whoever wrote them.
    cwd: process.cwd(),
    env,
    isReady: (said) => said.msg === 'ready',
  }
}

async function makeDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
    // The folder itself may be a user's home; what is kept in it is for that user alone.
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
    return new CliError(
      'failed',
      `Another ./pixelflow up is just starting or stopping on ${config.dataDir}.`,
      {
        remedy:
          'Wait a moment, or give this one a folder and a port of its own: PIXELFLOW_DATA_DIR, PIXELFLOW_HTTP_PORT.',
      },
    )
  }
  const what = known.temporary ? 'A temporary PixelFlow, started by another command,' : 'PixelFlow'
  return new CliError('failed', `${what} is already running at ${known.url} (process ${known.pid}).`, {
    remedy: known.temporary
      ? 'It ends by itself when that command is done.'
      : `Use it, or stop it with Ctrl-C or \`kill ${known.pid}\`, or give this one a folder and a port of its own: PIXELFLOW_DATA_DIR, PIXELFLOW_HTTP_PORT.`,
  })
}

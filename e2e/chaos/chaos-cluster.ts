import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bestDieWithParentMethod } from '@pixelflow/cli/stack/die-with-parent'
import { supervise, type SupervisedProcess } from '@pixelflow/cli/stack/supervise'
import type { Broker } from '@pixelflow/nats/connection/broker'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { connect } from '@pixelflow/nats/connection/connect'
import { openAdapters, type Adapters } from '@pixelflow/nats/open-adapters'
import { natsSettings, type NatsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger, type Logger } from '@pixelflow/platform/telemetry/logger'
import { startCluster } from '@pixelflow/testkit/cluster'
import type { Nats } from '@pixelflow/testkit/nats'
import { freePort } from '@pixelflow/testkit/port'
import { createTestClock, type TestClock } from '@pixelflow/testkit/test-clock'

/** A shipped process that is started again whenever it ends, as `up` does it. */
export interface Member {
  readonly name: string
  readonly process: SupervisedProcess
  /** Its wall clock, hours off from the beginning. */
  readonly clock: TestClock
  /** Resolves when it serves again after it has ended the next time. */
  back(): Promise<void>
}

export interface Gateway extends Member {
  /** What it keeps on disk, of which nothing may be missed. */
  readonly dataDir: string
  readonly url: string
  /** `host:port` */
  readonly grpc: string
}

/** What is put to the test: three brokers that keep everything three times, gateways and actors. */
export interface ChaosCluster extends AsyncDisposable {
  readonly brokers: readonly Nats[]
  readonly gateways: readonly Gateway[]
  readonly actors: readonly Member[]
  /** Our own eyes on the brokers, apart from all gateways and actors. */
  readonly broker: Broker
  /** As a gateway has it, but its sweeps take all that nothing refers to, however young. */
  readonly adapters: Adapters
  readonly settings: NatsSettings
  readonly accounts: readonly string[]
  /** For what is done to it. */
  readonly log: Logger
  /** Where all of that is written, and everything that the processes say. */
  readonly logFile: string
}

export interface Plan {
  readonly gateways: number
  readonly actors: number
  readonly accounts: readonly string[]
  /** The disk of each broker, in bytes. */
  readonly storeBytes: number
}

export const tokenOf = (account: string) => `token-of-${account}`

/** Tries something until it works. @throws what it threw, after half a minute. */
export async function again<T>(act: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 30_000; ;) {
    try {
      return await act()
    } catch (thrown) {
      if (Date.now() > deadline) throw thrown
    }
    await Bun.sleep(250)
  }
}

/**
 * Resolves when every gateway serves: one that was ended several times is started again with growing pauses.
 * @throws Error when one does not within half a minute.
 */
export async function allServe({ gateways }: ChaosCluster): Promise<void> {
  for (const { name, url } of gateways)
    await again(async () => {
      const { status } = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) })
      if (status !== 200) throw new Error(`${name} is not ready: ${status}.`)
    })
}

/** How far the clocks of processes are off when they start, in milliseconds; the brokers' are right. */
const hour = 3_600_000
const clockOffsets = [2 * hour, -2 * hour, 0] as const

const root = resolve(import.meta.dir, '../..')

export async function startChaosCluster({
  gateways,
  actors,
  accounts,
  storeBytes,
}: Plan): Promise<ChaosCluster> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-chaos-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const logFile = join(tmpdir(), `${home.slice(home.lastIndexOf('/') + 1)}.log`)
  const written = Bun.file(logFile).writer()
  scope.defer(async () => void (await written.end()))
  const logOf = (service: string): Logger =>
    createLogger({
      service,
      level: 'debug',
      format: 'json',
      write: (line) => {
        void written.write(`${line.trimEnd()}\n`)
        if (!line.includes('"process restarted"')) return
        for (const heard of waiting.get(service)?.splice(0) ?? []) heard()
      },
    })
  const waiting = new Map<string, (() => void)[]>()
  const back = (name: string) => () =>
    new Promise<void>((resolve) => {
      waiting.set(name, [...(waiting.get(name) ?? []), resolve])
    })

  const cluster = scope.use(await startCluster({ storeBytes }))
  const settings = readSettings(natsSettings, cluster.env)
  const log = logOf('chaos')
  // Servers that have just formed a cluster refuse to place streams for a moment.
  const open = () => openAdapters({ settings, name: 'chaos', log, sweepGraceMs: 0, touchAfterMs: 0 })
  const adapters = scope.use(await again(open))
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ...cluster.env,
    NODE_ENV: 'production',
    MIMALLOC_PURGE_DELAY: '10000',
    PIXELFLOW_LOG_FORMAT: 'json',
    PIXELFLOW_API_TOKENS: accounts.map((account) => `${account}:${tokenOf(account)}`).join(','),
    PIXELFLOW_ACTOR_CONCURRENCY: '2',
    PIXELFLOW_LIVE_CONCURRENCY: '0',
    PIXELFLOW_SSE_HEARTBEAT: '2s',
    // So often that a clock that is ahead would show, and with the least grace there is.
    PIXELFLOW_SWEEP_INTERVAL: '3s',
    PIXELFLOW_SWEEP_GRACE: '2m',
  }
  const dieWithParent = bestDieWithParentMethod()
  const keep = (
    name: string,
    room: string,
    clock: TestClock,
    own: Record<string, string>,
  ): SupervisedProcess => {
    const running = supervise(
      {
        service: room,
        command: [process.execPath, '--no-env-file', ...clock.arguments, join(root, room, 'main.ts')],
        cwd: home,
        env: { ...env, ...clock.env, ...own },
      },
      { dieWithParent, log: logOf(name) },
    )
    scope.defer(() => running.stop(10_000))
    return running
  }
  const clockOf = async (n: number) => scope.use(await createTestClock(clockOffsets[n % clockOffsets.length]))
  const gateway = async (n: number): Promise<Gateway> => {
    const [http, grpc] = [await freePort(), await freePort()]
    const name = `gateway-${n}`
    const dataDir = join(home, name)
    const clock = await clockOf(n - 1)
    const running = keep(name, 'gateway', clock, {
      PIXELFLOW_HTTP_PORT: String(http),
      PIXELFLOW_GRPC_PORT: String(grpc),
      PIXELFLOW_DATA_DIR: dataDir,
    })
    const url = `http://127.0.0.1:${http}`
    return { name, process: running, clock, back: back(name), dataDir, url, grpc: `127.0.0.1:${grpc}` }
  }
  const clients: Gateway[] = []
  for (let n = 1; n <= gateways; n += 1) clients.push(await gateway(n))
  const hands: Member[] = []
  for (let n = 1; n <= actors; n += 1) {
    const name = `actor-${n}`
    const clock = await clockOf(n - 1)
    hands.push({ name, process: keep(name, 'actors', clock, {}), clock, back: back(name) })
  }
  await Promise.all([...clients, ...hands].map((one) => one.process.ready))

  const broker = scope.use(await connect({ settings, name: 'chaos', log }))
  const owned = scope.move()
  return {
    brokers: cluster.servers,
    gateways: clients,
    actors: hands,
    broker,
    adapters,
    settings,
    accounts,
    log,
    logFile,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chooseDieWithParentMethod } from '@pixelflow/cli/stack/die-with-parent'
import { supervise, type SupervisedProcess } from '@pixelflow/cli/stack/supervise'
import { retry } from '@pixelflow/core/retry'
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

/** A gateway or actor process that is restarted whenever it exits, as `./pixelflow up` does it. */
export interface ChaosProcess {
  readonly name: string
  readonly process: SupervisedProcess
  /** Its wall clock, which is hours off from the start. */
  readonly clock: TestClock
  /** Resolves when the process serves again after its next exit. */
  restarted(): Promise<void>
}

export interface ChaosGateway extends ChaosProcess {
  /** Its files. The service must not depend on them, so faults delete them. */
  readonly dataDir: string
  readonly url: string
  /** `host:port` */
  readonly grpc: string
}

/** The system under test: three brokers that store everything three times, gateways and actors. */
export interface ChaosCluster extends AsyncDisposable {
  readonly brokers: readonly Nats[]
  readonly gateways: readonly ChaosGateway[]
  readonly actors: readonly ChaosProcess[]
  /** The test's own connection to the brokers, independent of all gateways and actors. */
  readonly broker: Broker
  /** The adapters of a gateway, but their sweeps remove unreferenced bytes of any age. */
  readonly adapters: Adapters
  readonly settings: NatsSettings
  readonly accounts: readonly string[]
  /** Logs the injected faults. */
  readonly log: Logger
  /** Receives this log and the logs of all processes. */
  readonly logFile: string
}

export interface ChaosClusterOptions {
  readonly gateways: number
  readonly actors: number
  readonly accounts: readonly string[]
  /** Storage limit of each broker, in bytes. */
  readonly storeBytes: number
}

export const tokenOf = (account: string) => `token-of-${account}`

/** Repeats an operation for 30 s, whatever it throws. */
export function retryAny<T>(operation: () => Promise<T>): Promise<T> {
  return retry(operation, { isRetryable: () => true, timeoutMs: 30_000 })
}

/**
 * Resolves when every gateway is ready: the supervisor restarts a process with growing pauses.
 * @throws Error when one is not ready within 30 s.
 */
export async function waitUntilReady({ gateways }: ChaosCluster): Promise<void> {
  for (const { name, url } of gateways)
    await retryAny(async () => {
      const { status } = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) })
      if (status !== 200) throw new Error(`${name} is not ready: ${status}.`)
    })
}

const hour = 3_600_000
/** Clock offsets of the processes at the start, in milliseconds; the clocks of the brokers are correct. */
const clockOffsets = [2 * hour, -2 * hour, 0] as const

const root = resolve(import.meta.dir, '../..')

export async function startChaosCluster({
  gateways: gatewayCount,
  actors: actorCount,
  accounts,
  storeBytes,
}: ChaosClusterOptions): Promise<ChaosCluster> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-chaos-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const logFile = join(tmpdir(), `${home.slice(home.lastIndexOf('/') + 1)}.log`)
  const logWriter = Bun.file(logFile).writer()
  scope.defer(async () => void (await logWriter.end()))
  const restartWaiters = new Map<string, (() => void)[]>()
  const logOf = (service: string): Logger =>
    createLogger({
      service,
      level: 'debug',
      format: 'json',
      write: (line) => {
        void logWriter.write(`${line.trimEnd()}\n`)
        if (!line.includes('"process restarted"')) return
        for (const resolve of restartWaiters.get(service)?.splice(0) ?? []) resolve()
      },
    })
  const restarted = (name: string) => () =>
    new Promise<void>((resolve) => {
      restartWaiters.set(name, [...(restartWaiters.get(name) ?? []), resolve])
    })

  const cluster = scope.use(await startCluster({ storeBytes }))
  const settings = readSettings(natsSettings, cluster.env)
  const log = logOf('chaos')
  const open = () => openAdapters({ settings, name: 'chaos', log, sweepGraceMs: 0, touchAfterMs: 0 })
  // A cluster that has just formed refuses to place streams for a moment.
  const adapters = scope.use(await retryAny(open))
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
    PIXELFLOW_SSE_HEARTBEAT_INTERVAL: '2s',
    // Frequent sweeps with the smallest grace: a sweep that trusted a clock that is ahead would remove new data.
    PIXELFLOW_SWEEP_INTERVAL: '3s',
    PIXELFLOW_SWEEP_GRACE: '2m',
  }
  const dieWithParent = chooseDieWithParentMethod()
  const startProcess = (
    name: string,
    service: 'gateway' | 'actors',
    clock: TestClock,
    ownEnv: Record<string, string>,
  ): SupervisedProcess => {
    const supervised = supervise(
      {
        service,
        command: [process.execPath, '--no-env-file', ...clock.arguments, join(root, service, 'main.ts')],
        cwd: home,
        env: { ...env, ...clock.env, ...ownEnv },
      },
      { dieWithParent, log: logOf(name) },
    )
    scope.defer(() => supervised.stop(10_000))
    return supervised
  }
  const clockOf = async (n: number) => scope.use(await createTestClock(clockOffsets[n % clockOffsets.length]))
  const startGateway = async (n: number): Promise<ChaosGateway> => {
    const [http, grpc] = [await freePort(), await freePort()]
    const name = `gateway-${n}`
    const dataDir = join(home, name)
    const clock = await clockOf(n - 1)
    const supervised = startProcess(name, 'gateway', clock, {
      PIXELFLOW_HTTP_PORT: String(http),
      PIXELFLOW_GRPC_PORT: String(grpc),
      PIXELFLOW_DATA_DIR: dataDir,
    })
    return {
      name,
      process: supervised,
      clock,
      restarted: restarted(name),
      dataDir,
      url: `http://127.0.0.1:${http}`,
      grpc: `127.0.0.1:${grpc}`,
    }
  }
  const gateways: ChaosGateway[] = []
  for (let n = 1; n <= gatewayCount; n += 1) gateways.push(await startGateway(n))
  const actors: ChaosProcess[] = []
  for (let n = 1; n <= actorCount; n += 1) {
    const name = `actor-${n}`
    const clock = await clockOf(n - 1)
    actors.push({
      name,
      process: startProcess(name, 'actors', clock, {}),
      clock,
      restarted: restarted(name),
    })
  }
  await Promise.all([...gateways, ...actors].map((one) => one.process.ready))

  const broker = scope.use(await connect({ settings, name: 'chaos', log }))
  const owned = scope.move()
  return {
    brokers: cluster.servers,
    gateways,
    actors,
    broker,
    adapters,
    settings,
    accounts,
    log,
    logFile,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

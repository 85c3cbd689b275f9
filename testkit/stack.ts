import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startNats } from './nats.ts'
import { freePort } from './port.ts'
import { launch, hasMessage, type RunningProcess } from './process.ts'
import type { TestClock } from './test-clock.ts'

type Nats = Awaited<ReturnType<typeof startNats>>
type Environment = Readonly<Record<string, string>>

const root = resolve(import.meta.dir, '..')

export interface GatewayProcess extends RunningProcess {
  readonly url: string
  readonly dataDir: string
}

/** The shipped entry points as processes with a real broker: any number of gateways and actors. */
export interface Stack extends AsyncDisposable {
  readonly nats: Nats
  /** Starts a gateway. With the `dataDir` and `port` of an earlier one it is its successor. */
  gateway(options?: {
    env?: Environment
    dataDir?: string
    port?: number
    clock?: TestClock
  }): Promise<GatewayProcess>
  actor(options?: { env?: Environment; clock?: TestClock }): Promise<RunningProcess>
}

export interface StackOptions {
  readonly env?: Environment
  readonly nats?: Nats
  /** Whether the processes share bytes as those of `up` do; default false, so that all bytes come from the store. */
  readonly hasSharedCache?: boolean
}

/** Starts the broker only. Disposing stops all processes. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-stack-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const nats = options.nats ?? scope.use(await startNats())
  const memory = existsSync('/dev/shm') ? '/dev/shm' : home
  const sharedCacheDir = options.hasSharedCache ? await mkdtemp(join(memory, 'pixelflow-shared-')) : ''
  if (sharedCacheDir !== '') scope.defer(() => rm(sharedCacheDir, { recursive: true, force: true }))
  const passwordFile = join(home, 'nats-password')
  await Bun.write(passwordFile, nats.password, { mode: 0o600 })
  const shared = {
    NODE_ENV: 'production',
    // As in `up` and in the containers.
    MIMALLOC_PURGE_DELAY: '10000',
    MIMALLOC_PURGE_HOLES_MIN_INTERVAL: '5000',
    NATS_URL: nats.url,
    PIXELFLOW_NATS_USER: nats.user,
    PIXELFLOW_NATS_PASSWORD_FILE: passwordFile,
    PIXELFLOW_LOG_FORMAT: 'json',
    PIXELFLOW_SHARED_CACHE_DIR: sharedCacheDir,
    ...options.env,
  }
  let count = 0

  return {
    nats,
    async gateway({ env = {}, dataDir = join(home, `gateway-${(count += 1)}`), port, clock } = {}) {
      const httpPort = port ?? (await freePort())
      const running = scope.use(
        launch({
          command: [process.execPath, ...(clock?.arguments ?? []), join(root, 'gateway/main.ts')],
          env: {
            ...shared,
            ...clock?.env,
            PIXELFLOW_HTTP_PORT: String(httpPort),
            PIXELFLOW_GRPC_PORT: '0',
            PIXELFLOW_DATA_DIR: dataDir,
            ...env,
          },
        }),
      )
      await running.line(hasMessage('ready'))
      return Object.assign(running, { url: `http://127.0.0.1:${httpPort}`, dataDir })
    },
    async actor({ env = {}, clock } = {}) {
      const running = scope.use(
        launch({
          command: [process.execPath, ...(clock?.arguments ?? []), join(root, 'actors/main.ts')],
          env: { ...shared, ...clock?.env, ...env },
        }),
      )
      await running.line(hasMessage('ready'))
      return running
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

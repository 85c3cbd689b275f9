import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { natsServer } from '@pixelflow/testkit/nats-server'
import { freePort } from '@pixelflow/testkit/port'
import { hasMessage, launch } from '@pixelflow/testkit/process'

/** A stack that `./pixelflow up` runs with its default settings. */
export interface LocalStack extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  readonly dataDir: string
  /** When the command was started, by `performance.now()`. */
  readonly startedAt: number
  /** Milliseconds from the start of the command to its entry `ready`. */
  readonly readyMs: number
}

/** A data folder for several starts of `up`, one after the other. */
export async function createDataDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'pixelflow-up-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export async function startLocalStack(dataDir: string): Promise<LocalStack> {
  const [httpPort, grpcPort, nats] = [await freePort(), await freePort(), await natsServer()]
  const startedAt = performance.now()
  const running = launch({
    command: [resolve(import.meta.dir, '../../pixelflow'), 'up'],
    env: {
      PIXELFLOW_DATA_DIR: dataDir,
      PIXELFLOW_HTTP_PORT: String(httpPort),
      PIXELFLOW_GRPC_PORT: String(grpcPort),
      PIXELFLOW_NATS_SERVER_PATH: nats,
      PIXELFLOW_LOG_FORMAT: 'json',
    },
  })
  const isReady = hasMessage('ready')
  await running.line((line) => isReady(line) && line.includes('"startedMs"'))
  return {
    pid: running.pid,
    url: `http://127.0.0.1:${httpPort}`,
    dataDir,
    startedAt,
    readyMs: performance.now() - startedAt,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '@pixelflow/testkit/process'
import { buildForNode, type ProgramName } from './build-for-node.ts'
import { startRedis } from './start-redis.ts'

export type AlternativeRuntime = 'bun' | 'node'

const bunCommand = (name: ProgramName) => [
  process.execPath,
  '--no-env-file',
  join(import.meta.dir, `${name}.ts`),
]

/** The usual way to build such a service: Fastify, BullMQ on Redis, and sharp, with files on disk. */
export interface Alternative extends AsyncDisposable {
  readonly url: string
  /** Process ids by name: `server`, `worker` and `redis-server`. */
  readonly pids: Readonly<Record<string, number>>
}

/** @throws UsageError when redis-server or the runtime is missing. */
export async function startAlternative(runtime: AlternativeRuntime): Promise<Alternative> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-alternative-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const redis = scope.use(await startRedis(home))
  const commandOf = runtime === 'bun' ? bunCommand : await buildForNode()
  const start = (file: ProgramName, ...args: (string | number)[]) =>
    scope.use(
      launch({
        command: [...commandOf(file), ...args.map(String)],
        // The same allocator settings as PixelFlow's processes.
        env: { NODE_ENV: 'production', MIMALLOC_PURGE_DELAY: '10000' },
      }),
    )
  const worker = start('worker', redis.port)
  const server = start('server', redis.port, home)
  await worker.line((text) => text === 'ready')
  const port = (await server.line((text) => text.startsWith('port '))).slice('port '.length)
  const open = scope.move()
  return {
    url: `http://127.0.0.1:${port}`,
    pids: { server: server.pid, worker: worker.pid, 'redis-server': redis.pid },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

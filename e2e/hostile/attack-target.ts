import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWatchedNats } from '@pixelflow/testkit/watched-nats'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, peakBytes, residentBytes } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { client, followToEnd } from '../client.ts'

/** Maximum growth of the gateway after an attack. During an attack, uploads and downloads use their budgets as well. */
const maxGrowthMiB = 150

/** The memory limit of a worker, and what it can allocate beyond it before it is killed: memory is sampled every 50 ms. */
const maxWorkerBytes = (1024 + 256) * 2 ** 20

/** The processes under attack, and the expectations after every attack. */
export type AttackTarget = Awaited<ReturnType<typeof startAttackTarget>>

export async function startAttackTarget() {
  await using scope = new AsyncDisposableStack()
  const scratch = await mkdtemp(join(tmpdir(), 'pixelflow-hostile-'))
  scope.defer(() => rm(scratch, { recursive: true, force: true }))
  const broker = scope.use(await startWatchedNats())
  const stack = scope.use(
    await startStack({
      nats: broker.nats,
      env: {
        PIXELFLOW_SCRATCH_DIR: scratch,
        PIXELFLOW_MAX_UPLOAD_BYTES: '32MiB',
        PIXELFLOW_UPLOAD_MEMORY: '4MiB',
        PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '3s',
        PIXELFLOW_TASK_TIMEOUT: '20s',
        // Returns freed pages to the system at once, so that resident memory is what is used.
        MIMALLOC_PURGE_DELAY: '0',
      },
    }),
  )
  const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  const api = client(gateway.url)
  const pids = [gateway.pid, actor.pid, broker.nats.pid]
  let seed = 1000

  const process = async (file: Uint8Array, recipe: unknown, type = 'application/octet-stream') => {
    const image = await api.upload(file, type)
    const task = await api.submit(image.id, recipe)
    const seen = await followToEnd(() => api, task.id, { timeoutMs: 30_000 })
    return { image, task: task.id, seen, end: seen.at(-1)?.view }
  }
  const processValidImage = async () => {
    seed += 1
    const { end, task } = await process(await sampleImage({ width: 64, height: 48, seed }), 'resize:8')
    if (end?.kind !== 'completed') throw new Error(`The task of a valid image ended as ${end?.kind}.`)
    if ((await api.output(task)).length === 0)
      throw new Error('The task of a valid image has an empty output.')
  }
  await processValidImage()
  const idle = await residentBytes(gateway.pid)

  const owned = scope.move()
  return {
    url: gateway.url,
    host: new URL(gateway.url).host,
    api,
    broker,
    /** Starts another gateway on the same broker. */
    gateway: (env: Record<string, string>) => stack.gateway({ env }),
    process,
    /** Uploads, processes and downloads a valid image. */
    processValidImage,
    /** Whether no worker has ever used more memory than its limit. */
    async workersAreWithinMemoryLimit() {
      const peaks = await Promise.all((await childrenOf(actor.pid)).map(peakBytes))
      return Math.max(...peaks) < maxWorkerBytes
    },
    /** Waits until the streams hold as many messages as before. */
    async expectNothingLeft(
      before: Record<string, number>,
      streams = ['KV_images', 'OBJ_sources', 'OBJ_results', 'JOBS'],
    ) {
      const pick = (all: Record<string, number>) => streams.map((name) => `${name} ${all[name]}`).join(', ')
      await waitFor(
        `messages as before (${pick(before)})`,
        async () => pick(await broker.messages()),
        (now) => now === pick(before),
        { timeoutMs: 8000 },
      )
    },
    /** The same processes run, logged no error and no 50x status, use as little memory as before, and left no files. */
    async expectUnharmed() {
      await processValidImage()
      // The actor removes a job after the event that ends its task.
      await waitFor(
        'job removed',
        async () => (await broker.messages())['JOBS'],
        (jobs) => jobs === 0,
      )
      for (const pid of pids) globalThis.process.kill(pid, 0)
      const errors = [...gateway.lines, ...actor.lines].filter((line) =>
        /"level":"error"|"status":50[0-9]|panic|Unhandled/.test(line),
      )
      if (errors.length > 0) throw new Error(`Errors in the logs:\n${errors.slice(0, 5).join('\n')}`)
      // An idle process may take 45 s until it has collected all garbage.
      await waitFor(
        'growth of the gateway in MiB within its limit',
        async () => ((await residentBytes(gateway.pid)) - idle) / 2 ** 20,
        (grownMiB) => grownMiB <= maxGrowthMiB,
        { timeoutMs: 45_000 },
      )
      // Tasks that an attack has left running may take some seconds.
      await waitFor(
        'no scratch files',
        () => filesIn(scratch),
        (files) => files.length === 0,
        { timeoutMs: 5000 },
      )
      if ((await childrenOf(actor.pid)).length === 0) throw new Error('The actor has no workers.')
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((one) => one.isFile()).map((one) => one.name)
}

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWatchedNats } from '@pixelflow/testkit/broker-state'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, peakBytes, residentBytes } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { client, followToEnd } from '../client.ts'

/** Above idle, once an attack is over; during one the budgets of uploads and downloads and their garbage come on top. */
const mostGrowthMiB = 150

/** What a child may hold, and what it can get beyond that before it is killed: memory is looked at every 50 ms. */
const mostOfChild = (1024 + 256) * 2 ** 20

/** The stack under attack, and what must be true of it after every attack. */
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
        // Freed pages go back at once, so that what is held can be seen.
        MIMALLOC_PURGE_DELAY: '0',
      },
    }),
  )
  const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  const api = client(gateway.url)
  const pids = [gateway.pid, actor.pid, broker.nats.pid]
  let seed = 1000

  const process = async (picture: Uint8Array, recipe: unknown, type = 'application/octet-stream') => {
    const image = await api.upload(picture, type)
    const task = await api.submit(image.id, recipe)
    const seen = await followToEnd(() => api, task.id, { timeoutMs: 30_000 })
    return { image, task: task.id, seen, end: seen.at(-1)?.view }
  }
  const goodPicture = async () => {
    seed += 1
    const { end, task } = await process(await sampleImage({ width: 64, height: 48, seed }), 'resize:8')
    if (end?.kind !== 'completed') throw new Error(`a good picture ended as ${end?.kind}`)
    if ((await api.output(task)).length === 0) throw new Error('a good picture has an empty result')
  }
  await goodPicture()
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
    /** Uploads, processes and fetches an ordinary picture, or throws. */
    goodPicture,
    /** Whether no child of the actor has ever held more memory than it may. */
    async childrenWithinBounds() {
      const peaks = await Promise.all((await childrenOf(actor.pid)).map(peakBytes))
      return Math.max(...peaks) < mostOfChild
    },
    /** Waits until the broker holds exactly what it held, or throws with what is left over. */
    async nothingLeft(
      before: Record<string, number>,
      streams = ['KV_images', 'OBJ_sources', 'OBJ_results', 'JOBS'],
    ) {
      const pick = (all: Record<string, number>) => streams.map((name) => `${name} ${all[name]}`).join(', ')
      const deadline = Date.now() + 8000
      for (;;) {
        const now = pick(await broker.messages())
        if (now === pick(before)) return
        if (Date.now() > deadline) throw new Error(`left behind: ${now}; before: ${pick(before)}`)
        await Bun.sleep(50)
      }
    },
    /** Same processes, no answer of ours with a 500, memory as before, no files left, and a good picture goes through. */
    async unharmed() {
      await goodPicture()
      for (const pid of pids) globalThis.process.kill(pid, 0)
      const complaints = [...gateway.lines, ...actor.lines].filter((line) =>
        /"level":"error"|"status":50[0-9]|panic|Unhandled/.test(line),
      )
      if (complaints.length > 0) throw new Error(`complaints: ${complaints.slice(0, 5).join('\n')}`)
      const grownMiB = async () => ((await residentBytes(gateway.pid)) - idle) / 2 ** 20
      for (let tries = 0; (await grownMiB()) > mostGrowthMiB; tries++) {
        // As long as an idle process takes to collect everything.
        if (tries === 450) throw new Error(`the gateway has grown by ${Math.round(await grownMiB())} MiB`)
        await Bun.sleep(100)
      }
      // Tasks that an attack has left running may take their time.
      for (let tries = 0; (await filesIn(scratch)).length > 0; tries++) {
        if (tries === 100) throw new Error(`files left: ${(await filesIn(scratch)).join(', ')}`)
        await Bun.sleep(50)
      }
      if ((await childrenOf(actor.pid)).length === 0) throw new Error('the actor has no children')
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((one) => one.isFile()).map((one) => one.name)
}

import { afterEach, beforeEach } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { launch, hasMessage, type RunningProcess } from '@pixelflow/testkit/process'
import { useActorCluster, type ActorCluster } from './actor-cluster.ts'

export const entry = resolve(import.meta.dir, '../main.ts')

/** Takes a worker more than a second. */
export const slowRecipe = 'blur:60/resize:1500/format:webp:effort=9'

/** Actor processes on the broker of a cluster, with a scratch folder that tests can read. */
export interface ActorProcesses extends AsyncDisposable {
  /** Starts an actor and waits until it is ready. @param main the entry point; by default the shipped one */
  actor(env?: Record<string, string>, main?: string): Promise<RunningProcess>
  /** The entries of the scratch folder. */
  scratch(): Promise<string[]>
  /** Folders of work in progress of all actors. */
  work(): Promise<string[]>
  readonly scratchDir: string
}

/**
 * Starts one cluster for all tests of a file, and a set of processes for each test; `take` is called before each test.
 */
export function useActorProcesses(take: (cluster: ActorCluster, processes: ActorProcesses) => void): void {
  let cluster: ActorCluster | undefined
  let processes: ActorProcesses | undefined
  useActorCluster((opened) => (cluster = opened))
  beforeEach(async () => {
    if (cluster) take(cluster, (processes = await openActorProcesses(cluster)))
  })
  afterEach(() => processes?.[Symbol.asyncDispose]())
}

export async function openActorProcesses(cluster: ActorCluster): Promise<ActorProcesses> {
  const scratchDir = await mkdtemp(join(tmpdir(), 'pixelflow-actor-test-'))
  return {
    scratchDir,
    scratch: () => readdir(scratchDir),
    async work() {
      const homes = await readdir(scratchDir)
      const all = await Promise.all(homes.map((home) => readdir(join(scratchDir, home))))
      return all.flat().filter((name) => name.startsWith('task-'))
    },
    async actor(env = {}, main = entry) {
      const settings = {
        NODE_ENV: 'production',
        PIXELFLOW_LOG_FORMAT: 'json',
        PIXELFLOW_SCRATCH_DIR: scratchDir,
        // Tests count the workers of the queue; tests of live work set this.
        PIXELFLOW_LIVE_CONCURRENCY: '0',
      }
      const running = launch({
        command: [process.execPath, main],
        env: { ...cluster.nats.env, ...settings, ...env },
      })
      await running.line(hasMessage('ready'))
      return running
    },
    [Symbol.asyncDispose]: () => rm(scratchDir, { recursive: true, force: true }),
  }
}

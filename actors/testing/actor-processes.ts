import { afterAll, afterEach, beforeAll, beforeEach } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { launch, residentBytes, says, type Running } from '@pixelflow/testkit/process'
import { startActorCluster, type ActorCluster } from './actor-cluster.ts'

export const entry = resolve(import.meta.dir, '../main.ts')

/** A second and more of work for any child. */
export const slowRecipe = 'blur:60/resize:1500/format:webp:effort=9'

/** Actor processes on a cluster's broker, with a scratch folder of their own to look into. */
export interface ActorProcesses extends AsyncDisposable {
  /** Starts the shipped entry point and waits until it is ready. */
  actor(env?: Record<string, string>): Promise<Running>
  /** What lies in the scratch folder, one level down. */
  scratch(): Promise<string[]>
  /** Folders of the work that is under way, in all actors. */
  work(): Promise<string[]>
  readonly scratchDir: string
}

/** One cluster for all tests of a file, and a home for each; `take` is told of both before each test. */
export function useActorProcesses(take: (cluster: ActorCluster, home: ActorProcesses) => void): void {
  let cluster: ActorCluster | undefined
  let home: ActorProcesses | undefined
  beforeAll(async () => {
    cluster = await startActorCluster()
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    if (cluster) take(cluster, (home = await openActorProcesses(cluster)))
  })
  afterEach(() => home?.[Symbol.asyncDispose]())
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
    async actor(env = {}) {
      const settings = {
        NODE_ENV: 'production',
        PIXELFLOW_LOG_FORMAT: 'json',
        PIXELFLOW_SCRATCH_DIR: scratchDir,
        // Tests of the queue know their children; those of live work ask for them.
        PIXELFLOW_LIVE_CONCURRENCY: '0',
      }
      const running = launch({
        command: [process.execPath, entry],
        env: { ...cluster.nats.env, ...settings, ...env },
      })
      await running.line(says('ready'))
      return running
    },
    [Symbol.asyncDispose]: () => rm(scratchDir, { recursive: true, force: true }),
  }
}

/** Uploads a picture of that size; answers with its id. */
export async function uploadSample(cluster: ActorCluster, width = 3000, height = 2000): Promise<string> {
  return (await cluster.upload(await sampleImage({ width, height }))).id
}

/** Waits until processes have exited; false when one stays for more than five seconds. */
export async function waitForExit(pids: readonly number[]): Promise<boolean> {
  for (let n = 0; n < 250; n += 1) {
    const held = await Promise.all(pids.map(residentBytes))
    if (held.every((bytes) => bytes === 0)) return true
    await Bun.sleep(20)
  }
  return false
}

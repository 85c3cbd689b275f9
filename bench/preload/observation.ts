import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string>>

/** Environment of a gateway and an actor that are observed. */
export interface Observation {
  readonly gateway: Environment
  readonly actor: Environment
}

const preload = (name: string) => `--preload ${join(import.meta.dir, name)}`

/**
 * Creates a folder, and returns the environment with which processes write CPU profiles to it at their exit, and workers while they run.
 * @throws Error for a path with a space, which the options of Bun in the environment cannot have.
 */
export function profileTo(folder: string): Observation {
  if (/\s/.test(folder + import.meta.dir)) throw new Error(`the path ${folder} must not contain spaces.`)
  mkdirSync(folder, { recursive: true })
  const profile = (name: string) => `--cpu-prof-md --cpu-prof-dir=${join(folder, name)}`
  return {
    gateway: { BUN_OPTIONS: profile('gateway') },
    actor: {
      BUN_OPTIONS: `${profile('actor')} ${preload('pass-to-workers.ts')}`,
      BENCH_WORKER_OPTIONS: preload('profile-worker.ts'),
      BENCH_OUTPUT_DIR: folder,
    },
  }
}

/** Environment with which processes write the counts of their calls to a folder. */
export function countTo(folder: string): Observation {
  const count = preload('count-calls.ts')
  return {
    gateway: { BUN_OPTIONS: count, BENCH_OUTPUT_DIR: folder, BENCH_ROLE: 'gateway' },
    actor: {
      BUN_OPTIONS: `${count} ${preload('pass-to-workers.ts')}`,
      BENCH_WORKER_OPTIONS: count,
      BENCH_OUTPUT_DIR: folder,
      BENCH_ROLE: 'actor',
    },
  }
}

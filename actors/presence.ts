import { maxListedTasks, type ActorReport, type HeldTask } from '@pixelflow/core/actor'
import { formatIds, writableFormatIds } from '@pixelflow/core/format'
import { operations } from '@pixelflow/core/operations/index'
import { operationName } from '@pixelflow/core/recipe/create-catalogue'
import type { Sandbox } from './sandbox/sandbox.ts'
import { readResidentBytes } from './sandbox/read-resident-bytes.ts'

/** The parts of an actor process that its report is built from. */
export interface PresenceParts extends Pick<ActorReport, 'name' | 'version' | 'kinds' | 'live' | 'slots'> {
  /** Number of tasks that are processed at a time. */
  readonly workers: number
  /** Elections that this process leads. */
  readonly ledRoles: ReadonlySet<string>
  readonly runtimes: readonly { readonly tasks: readonly HeldTask[] }[]
  readonly hosted: readonly { readonly held: number }[]
  readonly sandboxes: readonly Pick<Sandbox, 'pids' | 'isCircuitOpen'>[]
  /** Aborts when this process drains. */
  readonly stop: AbortSignal
  readonly startedAt: Date
}

/** Returns a function that reports the current state of this actor to the registry. */
export function createPresence(parts: PresenceParts): () => ActorReport {
  const { name, version, slots, workers, ledRoles, runtimes, hosted, sandboxes, stop } = parts
  const fixed = {
    name,
    version,
    kinds: [...parts.kinds],
    live: [...parts.live],
    capabilities: {
      reads: [...formatIds],
      writes: [...writableFormatIds],
      operations: operations.map(operationName),
    },
    slots,
    workers,
    startedAt: parts.startedAt.toISOString(),
  }
  const pids = () => sandboxes.flatMap((sandbox) => sandbox.pids)
  // Measured for the next report, because it runs `ps` where /proc does not exist.
  let workerBytes = 0
  const measure = async () => {
    const bytes = await Promise.all(pids().map(readResidentBytes))
    workerBytes = bytes.reduce((sum, one) => sum + one, 0)
  }
  void measure()

  return () => {
    void measure()
    const tasks = runtimes
      .flatMap((runtime) => runtime.tasks)
      .toSorted((a, b) => (a.since < b.since ? -1 : 1))
    return {
      ...fixed,
      state: stop.aborted ? 'draining' : sandboxes.some((one) => one.isCircuitOpen) ? 'resting' : 'ready',
      leaderOf: [...ledRoles],
      held: tasks.length,
      tasks: tasks.slice(0, maxListedTasks),
      sessions: hosted.reduce((sum, { held }) => sum + held, 0),
      children: pids().length,
      residentBytes: process.memoryUsage.rss() + workerBytes,
    }
  }
}

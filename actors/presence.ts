import { maxListedTasks, type ActorReport, type HeldTask } from '@pixelflow/core/actor'
import { formatIds, writableFormatIds } from '@pixelflow/core/format'
import { operations } from '@pixelflow/core/operations/index'
import { operationName } from '@pixelflow/core/recipe/create-catalogue'
import { residentBytes } from './sandbox/watch-memory.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

/** What an actor process looks at to say how it is. */
export interface PresenceParts extends Pick<ActorReport, 'name' | 'version' | 'kinds' | 'live' | 'slots'> {
  /** How many tasks are worked on at a time. */
  readonly workers: number
  /** What this process does for all; may change. */
  readonly offices: ReadonlySet<string>
  readonly runtimes: readonly { readonly tasks: readonly HeldTask[] }[]
  readonly hosted: readonly { readonly held: number }[]
  readonly sandboxes: readonly Pick<Sandbox, 'pids' | 'isResting'>[]
  /** Aborts when this process is to end. */
  readonly stop: AbortSignal
  readonly startedAt: Date
}

/** What this process says of itself, as it is at the time of asking. */
export function createPresence(parts: PresenceParts): () => ActorReport {
  const { name, version, slots, workers, offices, runtimes, hosted, sandboxes, stop } = parts
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
  // Asked for each time, told the next: nobody waits for `ps` where there is no /proc.
  let childrenBytes = 0
  const weigh = async () => {
    const bytes = await Promise.all(pids().map(residentBytes))
    childrenBytes = bytes.reduce((sum, one) => sum + one, 0)
  }
  void weigh()

  return () => {
    void weigh()
    const tasks = runtimes
      .flatMap((runtime) => runtime.tasks)
      .toSorted((a, b) => (a.since < b.since ? -1 : 1))
    return {
      ...fixed,
      state: stop.aborted ? 'draining' : sandboxes.some((one) => one.isResting) ? 'resting' : 'ready',
      offices: [...offices],
      held: tasks.length,
      tasks: tasks.slice(0, maxListedTasks),
      sessions: hosted.reduce((sum, { held }) => sum + held, 0),
      children: pids().length,
      residentBytes: process.memoryUsage.rss() + childrenBytes,
    }
  }
}

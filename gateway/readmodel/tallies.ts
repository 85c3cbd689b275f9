import type { Lane } from '@pixelflow/core/job'
import { hasEnded, type Status } from '@pixelflow/core/status'
import type { Tally } from '../limits/workload.ts'

/** What makes a task count. */
export interface Counting {
  readonly status: Status
  readonly lane: Lane
}

/** Tasks that have come to count, or no longer do. */
export interface Shift extends Tally {
  readonly account: string
}

/** Counts by account, of what the file holds: changed with it, and only once it is written. */
export interface Tallying {
  of(account: string): Tally
  shift(shifts: readonly Shift[]): void
  /** Begins anew with these. */
  reset(shifts: readonly Shift[]): void
}

const nothing: Tally = { queued: 0, interactive: 0 }

export function createTallying(): Tallying {
  const tallies = new Map<string, Tally>()
  const shift = (shifts: readonly Shift[]) => {
    for (const { account, ...by } of shifts) {
      const before = tallies.get(account) ?? nothing
      const after = { queued: before.queued + by.queued, interactive: before.interactive + by.interactive }
      if (after.queued === 0 && after.interactive === 0) tallies.delete(account)
      else tallies.set(account, after)
    }
  }
  return {
    of: (account) => tallies.get(account) ?? nothing,
    shift,
    reset(shifts) {
      tallies.clear()
      shift(shifts)
    },
  }
}

/** How the tally of an account shifts with a task of it; undefined when it does not. */
export function shiftOf(account: string, before: Counting | null, after: Counting | null): Shift | undefined {
  const queued = isQueued(after) - isQueued(before)
  const interactive = isInteractive(after) - isInteractive(before)
  return queued === 0 && interactive === 0 ? undefined : { account, queued, interactive }
}

/** So many tasks alike. */
export function shiftBy(account: string, task: Counting, count: number): Shift {
  return { account, queued: count * isQueued(task), interactive: count * isInteractive(task) }
}

function isQueued(task: Counting | null): number {
  return task?.status === 'queued' ? 1 : 0
}

function isInteractive(task: Counting | null): number {
  return task !== null && task.lane === 'interactive' && !hasEnded(task.status) ? 1 : 0
}

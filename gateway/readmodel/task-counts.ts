import type { Lane } from '@pixelflow/core/job'
import { hasEnded, type Status } from '@pixelflow/core/status'
import type { TaskCounts } from '../limits/task-quota.ts'

/** What makes a task count. */
export interface CountedTask {
  readonly status: Status
  readonly lane: Lane
}

/** Tasks that have come to count, or no longer do. */
export interface TaskCountChange extends TaskCounts {
  readonly account: string
}

/** Counts by account, of what the file holds: changed with it, and only once it is written. */
export interface AccountTaskCounts {
  of(account: string): TaskCounts
  shift(changes: readonly TaskCountChange[]): void
  /** Begins anew with these. */
  reset(changes: readonly TaskCountChange[]): void
}

const nothing: TaskCounts = { queued: 0, interactive: 0 }

export function createAccountTaskCounts(): AccountTaskCounts {
  const taskCounts = new Map<string, TaskCounts>()
  const shift = (changes: readonly TaskCountChange[]) => {
    for (const { account, ...by } of changes) {
      const before = taskCounts.get(account) ?? nothing
      const after = { queued: before.queued + by.queued, interactive: before.interactive + by.interactive }
      if (after.queued === 0 && after.interactive === 0) taskCounts.delete(account)
      else taskCounts.set(account, after)
    }
  }
  return {
    of: (account) => taskCounts.get(account) ?? nothing,
    shift,
    reset(changes) {
      taskCounts.clear()
      shift(changes)
    },
  }
}

/** How the counts of an account changes with a task of it; undefined when it does not. */
export function countChange(
  account: string,
  before: CountedTask | null,
  after: CountedTask | null,
): TaskCountChange | undefined {
  const queued = isQueued(after) - isQueued(before)
  const interactive = isInteractive(after) - isInteractive(before)
  return queued === 0 && interactive === 0 ? undefined : { account, queued, interactive }
}

/** So many tasks alike. */
export function countChangeTimes(account: string, task: CountedTask, count: number): TaskCountChange {
  return { account, queued: count * isQueued(task), interactive: count * isInteractive(task) }
}

function isQueued(task: CountedTask | null): number {
  return task?.status === 'queued' ? 1 : 0
}

function isInteractive(task: CountedTask | null): number {
  return task !== null && task.lane === 'interactive' && !hasEnded(task.status) ? 1 : 0
}

import type { Lane } from '@pixelflow/core/job'
import { hasEnded, type Status } from '@pixelflow/core/status'
import type { TaskCounts } from '../limits/task-quota.ts'

/** The fields of a task that are counted. */
export interface CountedTask {
  readonly status: Status
  readonly lane: Lane
}

/** The difference that one or more tasks make to the counts of their account. */
export interface TaskCountChange extends TaskCounts {
  readonly account: string
}

/** Task counts by account of the database file. They change only after the file was written. */
export interface AccountTaskCounts {
  of(account: string): TaskCounts
  apply(changes: readonly TaskCountChange[]): void
  /** Replaces all counts. */
  reset(changes: readonly TaskCountChange[]): void
}

const none: TaskCounts = { queued: 0, interactive: 0 }

export function createAccountTaskCounts(): AccountTaskCounts {
  const taskCounts = new Map<string, TaskCounts>()
  const apply = (changes: readonly TaskCountChange[]) => {
    for (const { account, ...by } of changes) {
      const before = taskCounts.get(account) ?? none
      const after = { queued: before.queued + by.queued, interactive: before.interactive + by.interactive }
      if (after.queued === 0 && after.interactive === 0) taskCounts.delete(account)
      else taskCounts.set(account, after)
    }
  }
  return {
    of: (account) => taskCounts.get(account) ?? none,
    apply,
    reset(changes) {
      taskCounts.clear()
      apply(changes)
    },
  }
}

/** The difference that an event of one task makes; undefined when there is none. */
export function countChange(
  account: string,
  before: CountedTask | null,
  after: CountedTask | null,
): TaskCountChange | undefined {
  const queued = isQueued(after) - isQueued(before)
  const interactive = isInteractive(after) - isInteractive(before)
  return queued === 0 && interactive === 0 ? undefined : { account, queued, interactive }
}

/** The difference that `count` equal tasks make. */
export function countEqualTasks(account: string, task: CountedTask, count: number): TaskCountChange {
  return { account, queued: count * isQueued(task), interactive: count * isInteractive(task) }
}

function isQueued(task: CountedTask | null): number {
  return task?.status === 'queued' ? 1 : 0
}

function isInteractive(task: CountedTask | null): number {
  return task !== null && task.lane === 'interactive' && !hasEnded(task.status) ? 1 : 0
}

import type { NewTask } from '../actor-kinds.ts'
import type { StoredEvent } from '../event.ts'
import type { Status } from '../task.ts'

export interface TaskQuery {
  readonly account: string
  readonly status?: Status | undefined
  /** Page size, 1 to 200. */
  readonly limit: number
  /** Cursor from the previous page. */
  readonly cursor?: string | undefined
}

export interface TaskPage {
  /** The JSON of each task, as `viewTask` gives it: most callers send it as it is. */
  readonly items: readonly string[]
  /** Cursor of the next page; null on the last. */
  readonly next: string | null
}

/** A task of the read model. */
export interface IndexedTask {
  /** Sequence of its last event. */
  readonly seq: number
  /** As in a page. */
  readonly json: string
}

/** A read model of all tasks, folded from the event log. It can be deleted and rebuilt at any time. */
export interface TaskIndex {
  /** Newest first. @throws Fault `invalid_request` for an invalid cursor. */
  list(query: TaskQuery): Promise<TaskPage>
  /** The newest state of a task that is folded in; undefined for a task that is not, was deleted or has expired. */
  find(account: string, task: string): IndexedTask | undefined
  /** Folds events in; ignores events older than the known state. */
  apply(events: readonly StoredEvent[]): void
  /** Sequence of the last event folded in; 0 at the beginning. */
  readonly sequence: number
}

/** Position within the list of idle tasks. */
export interface IdleTaskCursor {
  readonly changed: number
  readonly account: string
  readonly task: string
}

/** Tasks that have not ended and have not changed for a while. */
export interface IdleTasks {
  /**
   * Tasks last changed before `before`, oldest change first, from `after` on. `end` is the position of the last item, null without
   * items; `next` is the same where there may be another page, else null.
   */
  idle(
    before: Date,
    limit: number,
    after: IdleTaskCursor | null,
  ): {
    readonly items: readonly NewTask[]
    readonly end: IdleTaskCursor | null
    readonly next: IdleTaskCursor | null
  }
}

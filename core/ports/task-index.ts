import type { StoredEvent } from '../event.ts'
import type { Status, Task } from '../task.ts'

export interface TaskQuery {
  readonly account: string
  readonly status?: Status
  /** At most so many, 1 to 200. */
  readonly limit: number
  /** Cursor of the page before. */
  readonly cursor?: string
}

export interface TaskPage {
  readonly items: readonly Task[]
  /** Cursor of the next page; null on the last. */
  readonly next: string | null
}

/** A read model of all tasks, folded from the event log; it can be thrown away at any time. */
export interface TaskIndex {
  /** Newest first. @throws Fault `invalid_request` for a cursor that is not ours. */
  list(query: TaskQuery): Promise<TaskPage>
  /** Folds events in; older than what is known is ignored. */
  apply(events: readonly StoredEvent[]): void
  /** Sequence of the last event folded in; 0 at the beginning. */
  readonly position: number
}

/** How far a walk over idle tasks has come. */
export interface IdlePlace {
  readonly changed: number
  readonly account: string
  readonly task: string
}

/** Tasks that have not ended and of which nothing has been heard for a while. */
export interface IdleTasks {
  /**
   * Those that last changed before then, the longest unheard of first, at most `limit`, from where the page before ended;
   * `next` is null on the last page.
   */
  idle(
    before: Date,
    limit: number,
    after: IdlePlace | null,
  ): { readonly items: readonly Task[]; readonly next: IdlePlace | null }
}

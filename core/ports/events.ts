import type { StoredEvent, TaskEvent } from '../event.ts'

/** Appends to the event log, which is the state of every task, and reads it. */
export interface Events {
  /** The time of the broker, with which all processes stamp their events. */
  now(): Date
  /**
   * Appends an event to its task's history if the history still ends at `after` (0: it is empty). Returns the sequence,
   * or null on a conflict, because another process has appended: read again, and stop if the task has ended. A `deleted`
   * event replaces the history before it. Repeating an append whose answer was lost returns the same sequence, if it is
   * repeated through the same adapter instance.
   * @param earlier events right before it, oldest first, that are appended with it in one entry of the log
   */
  append(event: TaskEvent, after: number, earlier?: readonly TaskEvent[]): Promise<number | null>
  /** The latest event of a task; null when the task does not exist or has expired. */
  last(account: string, task: string): Promise<StoredEvent | null>
  /** The task's events with a sequence above `after`, oldest first, up to the current end. Creates no consumer. */
  history(account: string, task: string, after: number): AsyncIterable<StoredEvent>
}

/** The whole log, for the one follower of each gateway. */
export interface EventLog {
  /**
   * Every event above `after`, each once and in order, then new ones as they are appended, across broker restarts; ends
   * when `signal` aborts. Events that were appended together come together, oldest first.
   * @throws Fault `precondition_failed` when the log was recreated or restored from a backup: sequences have a new
   * meaning from then on.
   */
  follow(after: number, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]>
  /** The last event of the entry with exactly this sequence; null when it does not exist or was removed. */
  at(seq: number): Promise<StoredEvent | null>
  /** The identity of the log and its end. */
  readHead(): Promise<LogHead>
}

export interface LogHead {
  /** Changes when the log is recreated. */
  readonly logId: string
  /** Its newest sequence; 0 when it is empty. */
  readonly last: number
  /** The highest sequence ever assigned, even if its event was removed. */
  readonly written: number
}

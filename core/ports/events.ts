import type { StoredEvent, TaskEvent } from '../event.ts'

/** Writing and looking back: the event log is the state of every task. */
export interface Events {
  /** The time by the log's own clock, with which events are stamped, whichever process writes them. */
  now(): Date
  /**
   * Appends an event to its task's history if the history still ends at `after` (0: there is none yet).
   * Returns its sequence. A `deleted` event replaces the history before it.
   * @throws Fault `conflict` when somebody else has appended meanwhile: read again, stop if the task has ended.
   * An append whose answer was lost is recognised when repeated by the same caller and answers as the first did.
   */
  append(event: TaskEvent, after: number): Promise<number>
  /** The latest event of a task; null when there never was one or it has expired. */
  last(account: string, task: string): Promise<StoredEvent | null>
  /** The task's events with a sequence above `after`, oldest first, as they stand now. Makes no consumer. */
  history(account: string, task: string, after: number): AsyncIterable<StoredEvent>
}

/** The whole log, for the one follower that a gateway runs. */
export interface EventLog {
  /**
   * Every event above `after`, each once and in order, then live, through broker restarts; ends when `signal` aborts.
   * @throws Fault `precondition_failed` when the log is made anew meanwhile, or set back to a copy of before: sequences
   * mean something else from then on.
   */
  follow(after: number, signal: AbortSignal): AsyncIterable<StoredEvent>
  /** What stands at exactly that sequence; null where nothing does, or nothing any more. */
  at(seq: number): Promise<StoredEvent | null>
  /** Which log this is, and how far it goes. */
  position(): Promise<LogHead>
}

export interface LogHead {
  /** Changes when the log is made anew. */
  readonly log: string
  /** Its newest sequence; 0 when nothing is in it. */
  readonly last: number
  /** The newest sequence that was ever given out in it, though what had it may be gone. */
  readonly written: number
}

/** A task that was about to be created. */
export interface OutboxEntry {
  readonly account: string
  readonly task: string
  /** Age of the entry. The first event of the task was written right after it, or never. */
  readonly ageMs: number
  /** Removes the entry; it is not delivered again. */
  settle(): Promise<void>
}

/**
 * The transactional outbox of new tasks. An entry is written before the first event of a task, so that a task whose
 * creator died before it queued the job can be found. All processes share the entries; each entry goes to one of them,
 * some time after it was written.
 */
export interface TaskOutbox {
  entries(signal: AbortSignal): AsyncIterable<OutboxEntry>
}

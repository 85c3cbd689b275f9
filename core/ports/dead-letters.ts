import type { DeadLetter } from '../dead-letter.ts'

export interface DeadLetterQuery {
  /** Restricts the list to this account. */
  readonly account?: string | undefined
  /** Page size, 1 to 200. */
  readonly limit: number
  /** Cursor from the previous page. */
  readonly cursor?: string | undefined
}

export interface DeadLetterPage {
  readonly items: readonly DeadLetter[]
  /** Cursor of the next page; null on the last. */
  readonly next: string | null
}

/** Jobs that failed for good, kept for operators for as long as tasks are kept. */
export interface DeadLetters {
  /** Stores a dead letter; false when the job already has one. */
  put(deadLetter: DeadLetter): Promise<boolean>
  get(id: string): Promise<DeadLetter | null>
  /**
   * Oldest first; recording a replay moves a dead letter to the end. @throws Fault `invalid_request` for an invalid
   * cursor.
   */
  list(query: DeadLetterQuery): Promise<DeadLetterPage>
  /**
   * Records the task that replays a dead letter, unless the dead letter already has a task other than `expected`.
   * Returns the updated dead letter, or null when it does not exist. If calls are concurrent, one wins and all return
   * its result.
   */
  recordReplay(
    id: string,
    replay: NonNullable<DeadLetter['replay']>,
    expected?: string,
  ): Promise<DeadLetter | null>
  /** False when it does not exist. */
  delete(id: string): Promise<boolean>
  /** Number of dead letters of all accounts. */
  count(): Promise<number>
}

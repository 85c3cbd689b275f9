import type { DeadLetter } from '../dead-letter.ts'

export interface DeadLetterQuery {
  /** Only those of this account. */
  readonly account?: string
  /** Page size, 1 to 200. */
  readonly limit: number
  /** Cursor from the previous page. */
  readonly cursor?: string
}

export interface DeadLetterPage {
  readonly items: readonly DeadLetter[]
  /** Cursor of the next page; null on the last. */
  readonly next: string | null
}

/** Jobs that were given up, kept for operators as long as tasks are. */
export interface DeadLetters {
  /** Stores a dead letter; false when the job already has one. */
  put(letter: DeadLetter): Promise<boolean>
  get(id: string): Promise<DeadLetter | null>
  /** Oldest first; recording a replay moves a letter to the end. @throws Fault `invalid_request` for an invalid cursor. */
  list(query: DeadLetterQuery): Promise<DeadLetterPage>
  /**
   * Records the task that replays a letter, unless the letter already names a task other than `expected`. Returns the
   * letter as it is then, or null when it does not exist. Of concurrent calls one decides, and all return the same.
   */
  recordReplay(
    id: string,
    replay: NonNullable<DeadLetter['replay']>,
    expected?: string,
  ): Promise<DeadLetter | null>
  /** False when it does not exist. */
  delete(id: string): Promise<boolean>
  /** How many there are, over all accounts. */
  count(): Promise<number>
}

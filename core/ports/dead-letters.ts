import type { DeadLetter } from '../dead-letter.ts'
import type { Job } from '../job.ts'

export interface LetterQuery {
  /** Only those of this account. */
  readonly account?: string
  /** At most so many, 1 to 200. */
  readonly limit: number
  /** Cursor of the page before. */
  readonly cursor?: string
}

export interface LetterPage {
  readonly items: readonly DeadLetter[]
  /** Cursor of the next page; null on the last. */
  readonly next: string | null
}

/** Jobs that were given up, kept for operators as long as tasks are. */
export interface DeadLetters {
  /** Keeps a letter, unless there is one of that job already; tells whether it did. */
  put(letter: DeadLetter): Promise<boolean>
  /** Null when there is none of that name. */
  get(id: string): Promise<DeadLetter | null>
  /** Oldest first; one that is marked moves to the end. @throws Fault `invalid_request` for a cursor that is not ours. */
  list(query: LetterQuery): Promise<LetterPage>
  /**
   * Notes the task that is made of a letter, unless another than `before` is noted already; answers the letter as it
   * then stands, or null when there is none. Of racing calls one decides, and all answer the same.
   */
  mark(id: string, replay: NonNullable<DeadLetter['replay']>, before?: string): Promise<DeadLetter | null>
  /** Takes it away; false when there is none. */
  drop(id: string): Promise<boolean>
  /** How many there are, of all accounts. */
  count(): Promise<number>
}

/** A job that the queue has given up. */
export interface LostJob {
  /** Undefined when what the queue held was no job, or when nobody can tell any more. */
  readonly job: Job | undefined
  readonly letter: DeadLetter
  /** It is taken care of: takes the job out of the queue, and this will not be seen again. */
  settle(): Promise<void>
}

/** What the queue has given up by itself. Unless settled, each is seen again, here or elsewhere. */
export interface LostJobs {
  lost(signal: AbortSignal): AsyncIterable<LostJob>
}

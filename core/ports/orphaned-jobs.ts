import type { Job } from '../job.ts'

/** An entry of the queue, or of what waits for its next attempt, that may lie where nobody comes across it again. */
export interface Stray {
  /** The same for as long as it lies there. */
  readonly id: string
  readonly job: Job
  /** Attempts that had been made when it was put there. */
  readonly attempts: number
  /** Takes it out, and nothing that came after it; harmless when it is gone. */
  drop(): Promise<void>
}

/**
 * A second look at what the queue itself believes to be done or in somebody's hands. Only who knows what has become of
 * the task can tell which entries are forgotten.
 */
export interface StrayJobs {
  /**
   * Entries stored longer than `olderThanMs` ago which were handed out, or whose time came as long ago, and which are
   * still there. Reads no more than those.
   */
  strays(olderThanMs: number, signal: AbortSignal): AsyncIterable<Stray>
  /** Whether anything is stored that will bring this job to somebody, or has. */
  isStored(job: Job): Promise<boolean>
  /** Queues a job as one that so many attempts were made at; false when it is queued already, or the queue is full. */
  requeue(job: Job, attempts: number): Promise<boolean>
  /** Drops what was handed out of the acceptance log longer than `olderThanMs` ago and is still there; how many. */
  forgetAcceptances(olderThanMs: number, signal: AbortSignal): Promise<number>
}

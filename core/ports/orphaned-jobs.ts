import type { Job } from '../job.ts'

/** A stored job that the broker may never deliver again. */
export interface OrphanedJob {
  /** Stable while the entry is stored. */
  readonly id: string
  readonly job: Job
  /** Attempts made when it was stored. */
  readonly attempts: number
  /** Removes this entry only; harmless when it does not exist. */
  drop(): Promise<void>
}

/**
 * Jobs that the broker regards as delivered or scheduled, but may never deliver again. The caller decides from the
 * state of the task which of them are orphaned.
 */
export interface OrphanedJobs {
  /**
   * Entries that were stored, and delivered or due, longer than `olderThanMs` ago and still exist. Reads only those.
   */
  find(olderThanMs: number, signal: AbortSignal): AsyncIterable<OrphanedJob>
  /** Whether this job is stored anywhere: in the backlog, in the queue or for a retry. */
  isStored(job: Job): Promise<boolean>
  /** Queues a job with a number of attempts already made; false when it is queued already or the queue is full. */
  requeue(job: Job, attempts: number): Promise<boolean>
}

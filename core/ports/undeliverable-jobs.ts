import type { DeadLetter } from '../dead-letter.ts'
import type { Job } from '../job.ts'

/** A job that the queue has stopped delivering. */
export interface UndeliverableJob {
  /** Undefined when the message was not a valid job, or no longer exists. */
  readonly job: Job | undefined
  readonly deadLetter: DeadLetter
  /** Removes the job from the queue; it is not reported again. */
  settle(): Promise<void>
}

/**
 * Jobs that reached the delivery limit of the queue, or were terminated by it. A job that is not settled is reported
 * again, here or elsewhere.
 */
export interface UndeliverableJobs {
  follow(signal: AbortSignal): AsyncIterable<UndeliverableJob>
}

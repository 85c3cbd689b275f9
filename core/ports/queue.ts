import type { ActorKind } from '../actor-kinds.ts'
import type { StoredEvent } from '../event.ts'
import type { ImageRecord } from '../image.ts'
import type { Job, Lane } from '../job.ts'

/** What the first attempt would otherwise read: copies from when the job was submitted, which may be outdated. */
export interface JobContent {
  /** The first event of the task. */
  readonly first: StoredEvent
  /** The image of the task. */
  readonly image: ImageRecord
}

/** The producer's side of the job queue. */
export interface Queue {
  /**
   * Queues a job. Returns `duplicate` while the same job (kind, lane, account, task, stage) is queued or leased,
   * however long ago it was submitted. A bulk job waits in the backlog until it is admitted.
   * @param content saves the first attempt from reading it; not kept for a bulk job, which may wait for long
   * @throws Fault `queue_full` when the queue is full, `unavailable` when the broker does not answer.
   */
  submit(job: Job, content?: JobContent): Promise<'queued' | 'duplicate'>
  /** Removes a job, queued or leased; harmless when it does not exist. */
  remove(job: Job): Promise<void>
}

/** A leased job. The lease expires unless it is extended, and the job returns to the queue. */
export interface Lease {
  readonly job: Job
  /** Number of this attempt, from 1, as the queue counts: deliveries that never started count as well. */
  readonly attempt: number
  /** Milliseconds since the job was submitted or admitted. */
  readonly ageMs: number
  /** Only in the first attempt of an interactive job, and only if the job was submitted with it. */
  readonly content: JobContent | undefined
  /** How often to call `extend`, in milliseconds; leaves a margin before the lease expires. */
  readonly extendEveryMs: number
  extend(): Promise<void>
  /** Removes the job from the queue: its work has ended, successfully or not. */
  done(): Promise<void>
  /**
   * Schedules the job again after `delayMs`, with `attempts` attempts made. Until then it is neither queued nor leased.
   */
  retry(delayMs: number, attempts: number): Promise<void>
}

/** Jobs scheduled for another attempt. */
export interface Retries {
  /** Moves due jobs into the queue until `signal` aborts. Any number of processes may run this. */
  forward(signal: AbortSignal): Promise<void>
}

/** The consumer's side of the job queue. */
export interface JobConsumer {
  /**
   * The next job of a kind; waits for one, and returns null once `signal` aborts. Nothing is prefetched: a process
   * holds only jobs that it requested. More urgent lanes come first; with `only`, other lanes are ignored.
   */
  next(kind: ActorKind, signal: AbortSignal, only?: Lane): Promise<Lease | null>
}

import type { ImageRecord } from '@pixelflow/core/image'
import type { Job } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'

/** Processes the jobs of one kind. The handler knows the work; the runtime knows leases, events and retries. */
export interface JobHandler {
  /**
   * Resolves when work can start; the runtime pulls no job before. The resolved signal aborts when work cannot start any
   * more, so that a pending pull ends. @throws Fault when work cannot start for now.
   */
  ready(signal: AbortSignal): Promise<AbortSignal>
  /**
   * Processes one job. It must be idempotent: each attempt stores the same bytes under the same names, and two attempts
   * may run at the same time.
   * @throws Fault; the fault table decides whether the job is retried.
   */
  run(job: JobContext): Promise<void>
}

/** Events that a handler reports. The runtime reports the start and the end. */
export type HandlerEventKind = 'fetched' | 'decoded' | 'output'

export interface JobContext {
  readonly job: Job
  /** The record of the image, from the job, if it is not older than a second. */
  readonly image: ImageRecord | undefined
  /** The task with everything that was reported so far. */
  readonly task: Task
  /** Aborts when the result is no longer wanted: the task was cancelled or ended, or this process stops. */
  readonly signal: AbortSignal
  /**
   * Queues an event and returns; events are appended in the order of the calls. A failed append aborts the signal.
   * `change` is what the event changes in the task; progress never decreases.
   */
  report(kind: HandlerEventKind, change: Partial<Task>, output?: string): void
  /** Adds the duration of a promise to a phase of the attempt, for the log. */
  time<T>(phase: string, work: Promise<T>): Promise<T>
  /** Adds measured milliseconds to a phase. */
  addTime(phase: string, ms: number): void
}

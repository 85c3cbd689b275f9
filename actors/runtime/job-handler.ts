import type { ActorKind, Job } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'

/** What one kind of actor does with its jobs. Handlers know what the work is; the runtime knows how it is kept safe. */
export interface JobHandler {
  readonly kind: ActorKind
  /**
   * Resolves when work can be taken up; no job is pulled before. The signal it resolves with aborts when it cannot be any
   * more: whoever waits for a job then stops waiting. @throws Fault when it cannot be for now.
   */
  ready(signal: AbortSignal): Promise<AbortSignal>
  /**
   * Does the work of one job. What it stores must be the same, under the same names, whoever does it: another attempt
   * may have been here before, or be here now.
   * @throws Fault; its row in the fault table decides whether the work is tried again.
   */
  run(work: JobContext): Promise<void>
}

/** Stages a handler reports; the runtime itself reports the beginning and the end. */
export type Stage = 'fetched' | 'decoded' | 'output'

export interface JobContext {
  readonly job: Job
  /** The task as it stands in the log, with all that was reported so far. */
  readonly task: Task
  /** Aborts when the result is not wanted from us any more: cancelled, ended elsewhere, or this process stops. */
  readonly signal: AbortSignal
  /**
   * Appends an event, in the order of the calls; does not wait for it. What cannot be written aborts the signal.
   * `change` is what the event changes in the task; progress never goes back.
   */
  report(stage: Stage, change: Partial<Task>, output?: string): void
  /** Adds the time a promise takes to what the log tells about this attempt. */
  time<T>(stage: string, work: Promise<T>): Promise<T>
  /** Adds a measured number of milliseconds likewise. */
  spent(stage: string, ms: number): void
}

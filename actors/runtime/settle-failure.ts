import { backoffMs } from '@pixelflow/core/backoff'
import { formatCause } from '@pixelflow/core/dead-letter'
import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import { retry } from '@pixelflow/core/retry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createTaskReporter } from './task-reporter.ts'

/** How an attempt ended. `superseded` means that the task belongs to another attempt now. */
export type AttemptResult = 'completed' | 'failed' | 'retried' | 'released' | 'already ended' | 'superseded'

export interface SettleOptions {
  readonly lease: Lease
  /** Number of the attempt, from 1. */
  readonly attempt: number
  readonly actor: string
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly events: Events
  readonly maxAttempts: number
  readonly log: Logger
}

/** Removes the job from the queue. The final event of the task must be in the event log before. */
export function acknowledge({ lease, log }: SettleOptions): Promise<void> {
  return settleLease(log, () => lease.done())
}

/**
 * Settles the lease of an attempt that did not complete, by the fault table and the last event of the task: the task may
 * have ended, or may have events of this attempt. Never rejects.
 */
export async function settleFailure(
  options: SettleOptions,
  fault: Fault,
  isReleased: boolean,
): Promise<AttemptResult> {
  const { lease, attempt, events, maxAttempts, log } = options
  try {
    const last = await retry(() => events.last(lease.job.account, lease.job.task))
    // The history may only be missing on this server. A retry is cheap; removing the job could not be undone.
    if (last === null) {
      return attempt < maxAttempts ? await retryLater(options, fault) : await acknowledgeEnded(options)
    }
    if (isFinal(last.event)) return await acknowledgeEnded(options)
    // Another attempt has its own lease on the same job. An acknowledgement would take it away.
    if (fault.code === 'conflict' || last.event.task.attempt > attempt) return 'superseded'
    if (isReleased) {
      // This actor stops. The attempt does not count.
      await settleLease(log, () => lease.retry(0, attempt - 1))
      return 'released'
    }
    if (fault.row.retryable && attempt < maxAttempts) return await retryLater(options, fault)
    return await failTask(options, last, fault)
  } catch (thrown) {
    const error = Fault.of(thrown)
    if (error.code === 'task_ended') return acknowledgeEnded(options)
    if (error.code === 'incompatible_record') return settleIncompatible(options, error)
    // The event log is unreachable. The lease expires, and the next attempt reads the state of the task.
    log.warn('task left to the next attempt', { error })
    return 'superseded'
  }
}

/** The fault of a job that was delivered too often: each process that held it disappeared. */
export function attemptsExhausted(maxAttempts: number): Fault {
  return new Fault(
    'attempts_exhausted',
    `The task was started ${maxAttempts} times, and each time the process that worked on it was lost.`,
    { remedy: 'Try again later. If it fails the same way, use a smaller image or fewer steps.' },
  )
}

async function retryLater({ lease, attempt, log }: SettleOptions, fault: Fault): Promise<AttemptResult> {
  const delayMs = fault.hints.retryAfterMs ?? backoffMs(attempt)
  await settleLease(log, () => lease.retry(delayMs, attempt))
  return 'retried'
}

/**
 * Settles a task whose history this version cannot read. Another version may read it, so the job is retried. After the
 * last attempt only a dead letter is written, since no event can be appended to a history that cannot be read.
 */
async function settleIncompatible(options: SettleOptions, fault: Fault): Promise<AttemptResult> {
  try {
    if (options.attempt < options.maxAttempts) return await retryLater(options, fault)
    await deadLetter(options, fault)
    await acknowledge(options)
    return 'failed'
  } catch (error) {
    options.log.warn('task left to the next attempt', { error })
    return 'superseded'
  }
}

/** Writes the dead letter. It must be stored before the job leaves the queue. */
async function deadLetter(
  { lease, attempt, actor, maxAttempts, events, deadLetters }: SettleOptions,
  fault: Fault,
): Promise<void> {
  const internalCause = formatCause(fault)
  await retry(() =>
    deadLetters.put({
      ...lease.job,
      fault: fault.report(),
      ...(internalCause === undefined ? {} : { internalCause }),
      attempts: Math.min(attempt, maxAttempts),
      actor,
      createdAt: events.now().toISOString(),
    }),
  )
}

async function failTask(options: SettleOptions, last: StoredEvent, fault: Fault): Promise<AttemptResult> {
  // The owner of the task corrects input faults. All other faults get a dead letter for operators.
  if (fault.row.retryable || fault.row.needsOperator) await deadLetter(options, fault)
  const reporter = createTaskReporter(options.events, last)
  const endedAt = options.events.now().toISOString()
  reporter.report('failed', { status: 'failed', fault: fault.report(), endedAt })
  await reporter.flush()
  await acknowledge(options)
  return 'failed'
}

async function acknowledgeEnded(options: SettleOptions): Promise<AttemptResult> {
  await acknowledge(options)
  return 'already ended'
}

/** Settles a lease. Settling it twice is harmless; when it fails, the job is redelivered and finds the task's state. */
async function settleLease(log: Logger, settle: () => Promise<void>): Promise<void> {
  try {
    await retry(settle)
  } catch (error) {
    log.warn('lease not settled', { error })
  }
}

import { backoffMs } from '@pixelflow/core/backoff'
import { formatCause } from '@pixelflow/core/dead-letter'
import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import { retry } from '@pixelflow/core/retry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { inSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import { createTaskReporter } from './task-reporter.ts'

/**
 * How the work of an attempt ended without a fault: `ended` means that the task had already ended, `superseded` that
 * another attempt has taken it over, `released` that this actor stops.
 */
export type WorkResult = 'completed' | 'ended' | 'superseded' | 'released'

/**
 * How an attempt ended. `unsettled` means that its lease expires, and the next attempt reads the state of the task;
 * `orphaned` that the job was removed because its task has no history.
 */
export type AttemptResult = WorkResult | 'failed' | 'retried' | 'unsettled' | 'orphaned'

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

/** Settles the lease of an attempt whose work ended without a fault. Never rejects. */
export async function settle(options: SettleOptions, result: WorkResult): Promise<AttemptResult> {
  switch (result) {
    case 'completed':
    case 'ended':
      await acknowledge(options)
      return result
    case 'superseded':
      // The other attempt has its own lease on the same job. An acknowledgement would take it away.
      return result
    case 'released':
      return settleByHistory(options, async () => {
        // This actor stops. The attempt does not count.
        await settleLease(options.log, () => options.lease.retry(0, options.attempt - 1))
        return result
      })
  }
}

/** Settles the lease of an attempt that failed, by the fault table and the last event of the task. Never rejects. */
export function settleFailure(options: SettleOptions, fault: Fault): Promise<AttemptResult> {
  const mayRetry = options.attempt < options.maxAttempts
  return settleByHistory(options, async (last) => {
    if (mayRetry && (fault.row.retryable || last === null)) return retryLater(options, fault)
    if (last !== null) return failTask(options, last, fault)
    // The history may only be missing on this server, so the job is removed after the last attempt only.
    await acknowledge(options)
    return 'orphaned'
  })
}

/**
 * Settles by the last event of the task: the task may have ended, or may have events of another attempt; else
 * `settleRunning` decides.
 */
async function settleByHistory(
  options: SettleOptions,
  settleRunning: (last: StoredEvent | null) => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const { lease, attempt, events, log } = options
  try {
    const last = await retry(() => events.last(lease.job.account, lease.job.task))
    if (last !== null && isFinal(last.event)) return await settle(options, 'ended')
    if (last !== null && last.event.task.attempt > attempt) return await settle(options, 'superseded')
    return await settleRunning(last)
  } catch (thrown) {
    const error = Fault.of(thrown)
    if (error.code === 'incompatible_record') return settleIncompatible(options, error)
    // The event log is unreachable.
    log.warn('task not settled', { error })
    return 'unsettled'
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
    options.log.warn('task not settled', { error })
    return 'unsettled'
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
  const written = await reporter.flush()
  if (written !== 'written') return settle(options, written)
  await acknowledge(options)
  return 'failed'
}

/** Removes the job from the queue. The final event of the task must be in the event log before. */
function acknowledge({ lease, log }: SettleOptions): Promise<void> {
  return inSpan('acknowledge job', { kind: 'producer' }, () => settleLease(log, () => lease.done()))
}

/** Settles a lease. Settling it twice is harmless; when it fails, the job is redelivered and finds the task's state. */
async function settleLease(log: Logger, settle: () => Promise<void>): Promise<void> {
  try {
    await retry(settle)
  } catch (error) {
    log.warn('lease not settled', { error })
  }
}

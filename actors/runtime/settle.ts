import { formatCause } from '@pixelflow/core/dead-letter'
import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { backoffMs } from '@pixelflow/core/backoff'
import { retry } from '@pixelflow/core/retry'
import { createTaskReporter } from './task-reporter.ts'

/** How an attempt ended, in the words of the log. */
export type AttemptResult =
  | 'completed'
  | 'failed'
  | 'to be retried'
  | 'given back'
  | 'ended elsewhere'
  | 'taken over'

export interface SettleOptions {
  readonly lease: Lease
  /** Which attempt it was, from 1. */
  readonly attempt: number
  readonly actor: string
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly events: Events
  readonly maxAttempts: number
  readonly log: Logger
}

/** Takes the job out of the queue. The end of the task must stand in the log before. */
export function acknowledge({ lease, log }: SettleOptions): Promise<void> {
  return settle(log, () => lease.done())
}

/**
 * Settles the lease of an attempt that did not complete, by the fault table, on top of what the log says now: the task
 * may have ended, and some of the attempt's own events may stand there. Never rejects.
 */
export async function settleFailure(
  options: SettleOptions,
  fault: Fault,
  released: boolean,
): Promise<AttemptResult> {
  const { lease, attempt, events, maxAttempts, log } = options
  try {
    const last = await retry(() => events.last(lease.job.account, lease.job.task))
    // Nothing is known of it here: looking again is cheap, and taking its job away would be for ever.
    if (last === null) return attempt < maxAttempts ? await again(options, fault) : await leave(options)
    if (isFinal(last.event)) return await leave(options)
    // Another attempt holds a lease of its own; an acknowledgement from here would take that one away.
    if (fault.code === 'conflict' || last.event.task.attempt > attempt) return 'taken over'
    if (released) {
      // Somebody else begins anew, and this attempt does not count.
      await settle(log, () => lease.retry(0, attempt - 1))
      return 'given back'
    }
    if (fault.row.retryable && attempt < maxAttempts) return await again(options, fault)
    return await fail(options, last, fault)
  } catch (thrown) {
    const why = Fault.of(thrown)
    if (why.code === 'task_ended') return leave(options)
    if (why.code === 'incompatible_record') return unreadable(options, why)
    // The log is out of reach: the lease runs out, and whoever is given the job next finds the task as it is.
    log.warn('task left to another attempt', { error: why })
    return 'taken over'
  }
}

/** The fault of a job that was delivered too often: every process that held it was lost without a word. */
export function attemptsExhausted(maxAttempts: number): Fault {
  return new Fault(
    'attempts_exhausted',
    `The work was begun ${maxAttempts} times, and each time the process doing it was lost.`,
    { remedy: 'Try again later; if it ends the same way, the image may be more than this service can take.' },
  )
}

async function again({ lease, attempt, log }: SettleOptions, fault: Fault): Promise<AttemptResult> {
  const delayMs = fault.hints.retryAfterMs ?? backoffMs(attempt)
  await settle(log, () => lease.retry(delayMs, attempt))
  return 'to be retried'
}

/**
 * A task whose history this version cannot read. Another version may, so the job is given back as often as any other;
 * then it leaves the queue, and only the letter is left, since nothing can be said in a log that cannot be read.
 */
async function unreadable(options: SettleOptions, fault: Fault): Promise<AttemptResult> {
  try {
    if (options.attempt < options.maxAttempts) return await again(options, fault)
    await deadLetter(options, fault)
    await acknowledge(options)
    return 'failed'
  } catch (error) {
    options.log.warn('task left to another attempt', { error })
    return 'taken over'
  }
}

/** Before the job leaves the queue: work that is given up must not vanish. */
async function deadLetter(
  { lease, attempt, actor, maxAttempts, events, deadLetters }: SettleOptions,
  fault: Fault,
): Promise<void> {
  const text = formatCause(fault)
  const cause = { report: fault.report(), ...(text === undefined ? {} : { private: text }) }
  const attempts = Math.min(attempt, maxAttempts)
  const letter = { ...lease.job, cause, attempts, actor, at: events.now().toISOString() }
  await retry(() => deadLetters.put(letter))
}

async function fail(options: SettleOptions, last: StoredEvent, fault: Fault): Promise<AttemptResult> {
  // A fault of the input is its owner's to mend; whatever else ends a task is an operator's.
  if (fault.row.retryable || fault.row.needsOperator) await deadLetter(options, fault)
  const reporter = createTaskReporter(options.events, last)
  const endedAt = options.events.now().toISOString()
  reporter.report('failed', { status: 'failed', fault: fault.report(), endedAt })
  await reporter.flush()
  await acknowledge(options)
  return 'failed'
}

async function leave(options: SettleOptions): Promise<AttemptResult> {
  await acknowledge(options)
  return 'ended elsewhere'
}

/** Settling twice is harmless; not at all costs a redelivery, which finds the task as it stands in the log. */
async function settle(log: Logger, how: () => Promise<void>): Promise<void> {
  try {
    await retry(how)
  } catch (error) {
    log.warn('lease not settled', { error })
  }
}

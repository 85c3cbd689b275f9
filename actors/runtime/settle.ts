import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import type { Log } from '@pixelflow/fabric/telemetry/log'
import { backoffMs } from './backoff.ts'
import { persist } from './persist.ts'
import { reportTo } from './reporter.ts'

/** How an attempt ended, in the words of the log. */
export type End = 'completed' | 'failed' | 'to be retried' | 'given back' | 'ended elsewhere' | 'taken over'

export interface SettleOptions {
  readonly lease: Lease
  readonly events: Events
  readonly maxAttempts: number
  readonly log: Log
}

/** Takes the job out of the queue. The end of the task must stand in the log before. */
export function finish({ lease, log }: SettleOptions): Promise<void> {
  return settle(log, () => lease.done())
}

/**
 * Settles the lease of an attempt that did not complete, by the fault table, on top of what the log says now: the task
 * may have ended, and some of the attempt's own events may stand there. Never rejects.
 */
export async function recover(options: SettleOptions, fault: Fault, givenUp: boolean): Promise<End> {
  const { lease, events, log } = options
  try {
    const last = await persist(() => events.last(lease.job.account, lease.job.task))
    if (last === null || isFinal(last.event)) return await leave(options)
    // Another attempt holds a lease of its own; an acknowledgement from here would take that one away.
    if (fault.code === 'conflict') return 'taken over'
    if (givenUp) {
      await settle(log, () => lease.retry(0))
      return 'given back'
    }
    if (fault.row.settle === 'nak' && lease.attempt < options.maxAttempts) {
      await settle(log, () => lease.retry(fault.place.retryAfterMs ?? backoffMs(lease.attempt)))
      return 'to be retried'
    }
    return await fail(options, last, fault)
  } catch (thrown) {
    const why = Fault.of(thrown)
    if (why.code === 'task_ended') return leave(options)
    // The log is out of reach: the lease runs out, and whoever is given the job next finds the task as it is.
    log.warn('task left to another attempt', { error: why })
    return 'taken over'
  }
}

/** The fault of a job that was delivered too often: every process that held it was lost without a word. */
export function exhausted(maxAttempts: number): Fault {
  return new Fault(
    'attempts_exhausted',
    `The work was begun ${maxAttempts} times, and each time the process doing it was lost.`,
    { remedy: 'Try again later; if it ends the same way, the image may be more than this service can take.' },
  )
}

async function fail(options: SettleOptions, last: StoredEvent, fault: Fault): Promise<End> {
  const reporter = reportTo(options.events, last)
  const endedAt = new Date().toISOString()
  reporter.report('failed', { status: 'failed', fault: fault.report(), endedAt })
  await reporter.flush()
  await finish(options)
  return 'failed'
}

async function leave(options: SettleOptions): Promise<End> {
  await finish(options)
  return 'ended elsewhere'
}

/** Settling twice is harmless; not at all costs a redelivery, which finds the task as it stands in the log. */
async function settle(log: Log, how: () => Promise<void>): Promise<void> {
  try {
    await persist(how)
  } catch (error) {
    log.warn('lease not settled', { error })
  }
}

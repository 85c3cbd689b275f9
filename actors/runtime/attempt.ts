import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import { retry } from '@pixelflow/core/retry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { JobHandler } from './job-handler.ts'
import { startPhaseTimer } from './phase-timer.ts'
import { acknowledge, attemptsExhausted, settleFailure, type AttemptResult } from './settle-failure.ts'
import { createTaskReporter, taskEnded, taskHistoryMissing } from './task-reporter.ts'

export interface AttemptOptions {
  readonly events: Events
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly handler: JobHandler
  /** Name of this process in events. */
  readonly actor: string
  /** Attempts after which a task fails. */
  readonly maxAttempts: number
  readonly log: Logger
}

/** One try at a task, with its lease. */
export interface Attempt {
  /** Reads the event log, and stops when the task has ended; called after a cancellation notice. */
  check(): Promise<void>
  /** Stops, and returns the job to the queue at once. */
  release(): void
  /** Resolves when the lease is settled; never rejects. */
  readonly settled: Promise<void>
}

/** Works on a lease, from reading its task to settling the lease. */
export function startAttempt(lease: Lease, options: AttemptOptions): Attempt {
  const { events, handler, deadLetters, maxAttempts, actor } = options
  const { account, task } = lease.job
  const log = options.log.child({ task, account })
  let attempt = lease.attempt
  const stop = new AbortController()
  const timer = startPhaseTimer()
  let isReleased = false

  const check = async () => {
    // A failed read, or one that finds no event, proves nothing.
    const last = await events.last(account, task).catch(() => null)
    if (last !== null && isFinal(last.event)) stop.abort(taskEnded())
  }

  const processTask = async (from: StoredEvent): Promise<void> => {
    const { startedAt = events.now().toISOString(), image } = from.event.task
    const reporter = createTaskReporter(events, from, (fault) => stop.abort(fault))
    reporter.report('started', { status: 'running', attempt, actor, startedAt })
    log.info('task started', { image, attempt })
    try {
      await handler.run({
        job: lease.job,
        get task() {
          return reporter.task
        },
        signal: stop.signal,
        report: reporter.report,
        time: timer.time,
        addTime: timer.addTime,
      })
      // The handler may return normally just after the signal aborted.
      stop.signal.throwIfAborted()
      reporter.report('completed', {
        status: 'completed',
        progress: 100,
        endedAt: events.now().toISOString(),
      })
    } finally {
      await timer.time('report', reporter.flush())
    }
  }

  const run = async (): Promise<void> => {
    const from = await timer.time(
      'lookup',
      retry(() => events.last(account, task)),
    )
    if (from === null) throw taskHistoryMissing()
    if (isFinal(from.event)) throw taskEnded()
    // Deliveries that did not start an attempt do not count.
    attempt = Math.min(lease.attempt, from.event.task.attempt + 1)
    if (attempt > maxAttempts) throw attemptsExhausted(maxAttempts)
    await processTask(from)
  }

  const heartbeat = setInterval(() => {
    lease.extend().catch((error: unknown) => log.warn('lease not extended', { error }))
    // A cancellation notice may be lost; the event log is reliable.
    void check()
  }, lease.extendEveryMs)

  const settled = (async () => {
    let fault: Fault | undefined
    let result: AttemptResult
    const settling = () => ({ lease, attempt, actor, events, deadLetters, maxAttempts, log })
    try {
      await run()
      await acknowledge(settling())
      result = 'completed'
    } catch (thrown) {
      // The reason of the abort is the cause; the thrown error is its consequence.
      fault = Fault.of(stop.signal.aborted ? stop.signal.reason : thrown)
      result = await settleFailure(settling(), fault, isReleased)
    }
    clearInterval(heartbeat)
    const fields = {
      attempt,
      ms: timer.totals(),
      ...(fault === undefined ? {} : { code: fault.code, error: fault }),
    }
    log[levelOf(fault)](messages[result], fields)
  })()

  return {
    check,
    release() {
      isReleased = true
      stop.abort(new Fault('unavailable', 'This actor is shutting down.', { remedy: 'Try again.' }))
    },
    settled,
  }
}

const messages: Readonly<Record<AttemptResult, string>> = {
  completed: 'task completed',
  failed: 'task failed',
  retried: 'task scheduled for retry',
  released: 'task released',
  'already ended': 'task had already ended',
  superseded: 'task taken over by another attempt',
}

/** Input faults log at info; retryable faults and those that need an operator log at warn. */
function levelOf(fault: Fault | undefined): 'info' | 'warn' {
  return fault?.row.retryable || fault?.row.needsOperator ? 'warn' : 'info'
}

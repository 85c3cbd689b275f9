import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { JobHandler } from './job-handler.ts'
import { retry } from '@pixelflow/core/retry'
import { taskEnded, createTaskReporter, taskHistoryMissing } from './task-reporter.ts'
import { attemptsExhausted, acknowledge, settleFailure, type AttemptResult } from './settle.ts'
import { stopwatch } from './phase-timer.ts'

export interface AttemptOptions {
  readonly events: Events
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly handler: JobHandler
  /** Name of this process, as events show it. */
  readonly actor: string
  /** Attempts after which a task fails for good. */
  readonly maxAttempts: number
  readonly log: Logger
}

/** One lease being worked on. */
export interface Attempt {
  /** Somebody said that the task was cancelled: looks into the log, and stops if it is so. */
  check(): Promise<void>
  /** Stops, and gives the job back at once for another process. */
  release(): void
  /** Resolves, and never rejects, when the lease is settled. */
  readonly settled: Promise<void>
}

/** Works on a lease, from the first look at its task to the settlement. */
export function startAttempt(lease: Lease, options: AttemptOptions): Attempt {
  const { events, handler, deadLetters, maxAttempts, actor } = options
  const { account, task } = lease.job
  const log = options.log.child({ task, account })
  let attempt = lease.attempt
  const stop = new AbortController()
  const watch = stopwatch()
  let released = false

  const check = async () => {
    // Without an answer, or with one that knows nothing of the task, nothing is known.
    const last = await events.last(account, task).catch(() => null)
    if (last !== null && isFinal(last.event)) stop.abort(taskEnded())
  }

  const work = async (from: StoredEvent): Promise<void> => {
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
        time: watch.time,
        spent: watch.spent,
      })
      // JobContext that was stopped may look done to a handler that was just about to return.
      stop.signal.throwIfAborted()
      reporter.report('completed', {
        status: 'completed',
        progress: 100,
        endedAt: events.now().toISOString(),
      })
    } finally {
      await watch.time('report', reporter.flush())
    }
  }

  const whole = async (): Promise<void> => {
    const from = await watch.time(
      'look',
      retry(() => events.last(account, task)),
    )
    if (from === null) throw taskHistoryMissing()
    if (isFinal(from.event)) throw taskEnded()
    // Deliveries that never came to a beginning are not held against the task.
    attempt = Math.min(lease.attempt, from.event.task.attempt + 1)
    if (attempt > maxAttempts) throw attemptsExhausted(maxAttempts)
    await work(from)
  }

  const heartbeat = setInterval(() => {
    lease.extend().catch((error: unknown) => log.warn('lease not extended', { error }))
    // A word on the channel may be lost; the log is not.
    void check()
  }, lease.extendEveryMs)

  const settled = (async () => {
    let fault: Fault | undefined
    let end: AttemptResult
    const settling = () => ({ lease, attempt, actor, events, deadLetters, maxAttempts, log })
    try {
      await whole()
      await acknowledge(settling())
      end = 'completed'
    } catch (thrown) {
      // What stopped the work says more than what the stopping led to.
      fault = Fault.of(stop.signal.aborted ? stop.signal.reason : thrown)
      end = await settleFailure(settling(), fault, released)
    }
    clearInterval(heartbeat)
    const fields = {
      attempt,
      ms: watch.spentMs(),
      ...(fault === undefined ? {} : { code: fault.code, error: fault }),
    }
    log[levelOf(fault)](`task ${end}`, fields)
  })()

  return {
    check,
    release() {
      released = true
      stop.abort(new Fault('unavailable', 'This actor is being stopped.'))
    },
    settled,
  }
}

/** Input faults log at info; retryable faults and those that need an operator log at warn. */
function levelOf(fault: Fault | undefined): 'info' | 'warn' {
  return fault?.row.retryable || fault?.row.needsOperator ? 'warn' : 'info'
}

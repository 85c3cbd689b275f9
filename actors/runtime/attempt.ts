import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { Lease } from '@pixelflow/core/ports/queue'
import type { Task } from '@pixelflow/core/task'
import { retry } from '@pixelflow/core/retry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { nowMs } from '@pixelflow/platform/telemetry/tracing/now-ms'
import { noSpan } from '@pixelflow/platform/telemetry/tracing/span'
import { runWithin } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { JobHandler } from './job-handler.ts'
import { startAttemptSpan } from './start-attempt-span.ts'
import { startPhaseTimer } from './phase-timer.ts'
import { attemptsExhausted, settle, settleFailure, type AttemptResult, type WorkResult } from './settle.ts'
import { createTaskReporter, taskHistoryMissing } from './task-reporter.ts'

export interface AttemptOptions {
  readonly events: Events
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly handler: JobHandler
  /** Deletes outputs that no event of the task names, besides those to keep; never rejects. */
  readonly dropUnreportedOutputs: (task: Task, kept: readonly string[]) => Promise<void>
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

/** Why an attempt stops before its work is finished: a fault means that an event could not be written. */
type StopReason = Exclude<WorkResult, 'completed'> | Fault

/** Events of a first attempt that follow each other within this time go into one entry of the log, in milliseconds. */
const gatherEventsMs = 20
/** Age of a job up to which its copy of the image's record counts, in milliseconds; later the image may be deleted. */
const maxImageAgeMs = 1000

/** Works on a lease, from reading its task to settling the lease. */
export function startAttempt(lease: Lease, options: AttemptOptions): Attempt {
  const { events, handler, deadLetters, maxAttempts, actor } = options
  const { account, task } = lease.job
  const log = options.log.child({ task, account })
  const leasedMs = nowMs()
  let span = noSpan
  let attempt = lease.attempt
  const stop = new AbortController()
  /** Why the work must stop before it is finished. The first reason counts. */
  let stopped: StopReason | undefined
  const stopFor = (reason: StopReason) => {
    stopped ??= reason
    // The log of lost workers shows this message.
    stop.abort(reason instanceof Fault ? reason : new DOMException(messages[reason], 'AbortError'))
  }
  const timer = startPhaseTimer()

  const check = async () => {
    // A failed read, or one that finds no event, proves nothing.
    const last = await events.last(account, task).catch(() => null)
    if (last !== null && isFinal(last.event)) stopFor('ended')
  }

  const processTask = async (from: StoredEvent): Promise<WorkResult> => {
    const { startedAt = events.now().toISOString(), image } = from.event.task
    // A later attempt shows at once that it has started, because started attempts are counted.
    const gatherMs = lease.attempt === 1 ? gatherEventsMs : 0
    const reporter = createTaskReporter(events, from, { gatherMs, onStop: stopFor })
    reporter.report('started', { status: 'running', attempt, actor, startedAt })
    log.info('task started', { image, attempt })
    const isFresh = lease.ageMs < maxImageAgeMs
    const work = handler.run({
      job: lease.job,
      image: isFresh ? lease.content?.image : undefined,
      get task() {
        return reporter.task
      },
      signal: stop.signal,
      report: reporter.report,
      time: timer.time,
      addTime: timer.addTime,
    })
    const fault = await work.then(() => undefined, Fault.of)
    // The handler may return normally just after the signal aborted.
    const isFinished = fault === undefined && !stop.signal.aborted
    if (isFinished) {
      reporter.report('completed', {
        status: 'completed',
        progress: 100,
        endedAt: events.now().toISOString(),
      })
    }
    const written = await timer.time('report', reporter.flush()).catch(Fault.of)
    if (isFinished && written === 'written') return 'completed'
    // The reason of the stop is the cause; what the work threw is its consequence.
    if (stopped !== undefined && !(stopped instanceof Fault)) return stopped
    throw stopped ?? fault
  }

  /** The task was deleted or cancelled: no event will name what this attempt has stored since. */
  const dropOutputs = async () => {
    const last = await retry(() => events.last(account, task)).catch(() => null)
    if (last === null || !isFinal(last.event)) return
    const { kind, task: ended } = last.event
    const kept = kind === 'deleted' ? [] : ended.outputs.map(({ name }) => name)
    await options.dropUnreportedOutputs(ended, kept)
  }

  const lookup = () =>
    timer.time(
      'history',
      retry(() => events.last(account, task)),
    )
  const run = async (): Promise<WorkResult> => {
    // When the task was cancelled since, the first append conflicts.
    const from = lease.content?.first ?? (await lookup())
    if (from === null) throw taskHistoryMissing()
    if (isFinal(from.event)) return 'ended'
    // Deliveries that did not start an attempt do not count.
    attempt = Math.min(lease.attempt, from.event.task.attempt + 1)
    span = startAttemptSpan(lease, from, { leasedMs, attempt })
    if (attempt > maxAttempts) throw attemptsExhausted(maxAttempts)
    return runWithin(span, () => processTask(from))
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
      const finished = await run()
      if (finished === 'ended') await dropOutputs()
      result = await runWithin(span, () => settle(settling(), finished))
    } catch (thrown) {
      const failure = Fault.of(thrown)
      fault = failure
      span.fail(failure)
      result = await runWithin(span, () => settleFailure(settling(), failure))
    }
    clearInterval(heartbeat)
    const fields = {
      attempt,
      ms: timer.totals(),
      ...(fault === undefined ? {} : { code: fault.code, error: fault }),
    }
    span.end()
    runWithin(span, () => log[levelOf(fault)](messages[result], fields))
  })()

  return {
    check,
    release() {
      stopFor('released')
    },
    settled,
  }
}

const messages: Readonly<Record<AttemptResult, string>> = {
  completed: 'task completed',
  failed: 'task failed',
  retried: 'task scheduled for retry',
  released: 'task released',
  ended: 'task had already ended',
  superseded: 'task taken over by another attempt',
  unsettled: 'task left to the next attempt',
  orphaned: 'job removed; its task has no history',
}

/** Input faults log at info; retryable faults and those that need an operator log at warn. */
function levelOf(fault: Fault | undefined): 'info' | 'warn' {
  return fault?.row.retryable || fault?.row.needsOperator ? 'warn' : 'info'
}

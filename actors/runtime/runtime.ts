import type { HeldTask } from '@pixelflow/core/actor'
import type { ActorKind } from '@pixelflow/core/actor-kinds'
import type { Lane } from '@pixelflow/core/job'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { JobConsumer } from '@pixelflow/core/ports/queue'
import { repeatUntilAborted } from '@pixelflow/core/repeat-until-aborted'
import { startAttempt, type Attempt, type AttemptOptions } from './attempt.ts'

export interface RuntimeOptions extends AttemptOptions {
  readonly jobConsumer: JobConsumer
  /** The kind of the jobs. */
  readonly kind: ActorKind
  readonly cancellations: Cancellations
  /** Jobs held at once. */
  readonly slots: number
  /** Further interactive jobs held at once, so that these do not wait behind long bulk jobs. */
  readonly interactiveSlots: number
}

/** Pulls jobs of one kind from the queue and processes a number of them at a time. */
export interface Runtime extends AsyncDisposable {
  /** Number of jobs held now. */
  readonly held: number
  /** The tasks of those jobs. */
  readonly tasks: readonly HeldTask[]
  /**
   * Pulls no more jobs, lets running ones finish for up to `timeoutMs`, and then releases the rest to the queue. Resolves
   * when no job is held.
   */
  drain(timeoutMs: number): Promise<void>
}

export function startRuntime(options: RuntimeOptions): Runtime {
  const { jobConsumer, kind, handler, cancellations, events, log } = options
  const stop = new AbortController()
  const running = new Map<Attempt, HeldTask>()

  // Cached for all slots: `ready` returns the same signal until workers crash.
  let combined: readonly [ready: AbortSignal, either: AbortSignal] | undefined
  const stopOr = (ready: AbortSignal): AbortSignal => {
    if (combined?.[0] !== ready) combined = [ready, AbortSignal.any([stop.signal, ready])]
    return combined[1]
  }

  const runJob = async (resetBackoff: () => void, only?: Lane) => {
    const ready = await handler.ready(stop.signal)
    const lease = await jobConsumer.next(kind, stopOr(ready), only)
    resetBackoff()
    if (lease === null) return
    const attempt = startAttempt(lease, options)
    const { account, task } = lease.job
    running.set(attempt, { account, task, attempt: lease.attempt, since: events.now().toISOString() })
    await attempt.settled
    running.delete(attempt)
  }
  const runSlot = (only?: Lane) =>
    repeatUntilAborted((resetBackoff) => runJob(resetBackoff, only), {
      signal: stop.signal,
      onFailure: (error, { retryInMs }) => log.warn('job not pulled', { error, retryInMs }),
    })
  const slots = Promise.all([
    ...Array.from({ length: options.slots }, () => runSlot()),
    ...Array.from({ length: options.interactiveSlots }, () => runSlot('interactive')),
  ])

  const unsubscribe = cancellations.subscribe((account, task) => {
    for (const [attempt, held] of running)
      if (held.task === task && held.account === account) void attempt.check()
  })

  const drain = async (timeoutMs: number) => {
    stop.abort()
    const timer = setTimeout(() => {
      for (const attempt of running.keys()) attempt.release()
    }, timeoutMs)
    await slots
    clearTimeout(timer)
    unsubscribe()
  }

  return {
    get held() {
      return running.size
    },
    get tasks() {
      return [...running.values()]
    },
    drain,
    [Symbol.asyncDispose]: () => drain(0),
  }
}

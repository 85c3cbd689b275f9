import type { HeldTask } from '@pixelflow/core/actor'
import type { Lane } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { WorkSource } from '@pixelflow/core/ports/queue'
import { startAttempt, type Attempt, type AttemptOptions } from './attempt.ts'
import { backoffMs } from '@pixelflow/core/backoff'

export interface RuntimeOptions extends AttemptOptions {
  readonly source: WorkSource
  readonly cancellations: Cancellations
  /** How many jobs are held at once. */
  readonly slots: number
  /** And how many more of those that somebody waits for: they need not stand behind long ones of other people. */
  readonly interactiveSlots: number
}

/** Takes jobs of one kind out of the queue and works on them, so many at a time. */
export interface Runtime extends AsyncDisposable {
  /** Jobs held just now. */
  readonly held: number
  /** Which tasks those belong to. */
  readonly tasks: readonly HeldTask[]
  /**
   * Pulls nothing more, lets what runs finish for up to `timeoutMs`, then gives the rest back to the queue.
   * Resolves when nothing is held.
   */
  drain(timeoutMs: number): Promise<void>
}

export function startRuntime(options: RuntimeOptions): Runtime {
  const { source, handler, cancellations, events, log } = options
  const stop = new AbortController()
  const running = new Map<Attempt, HeldTask>()

  // One for all slots: it lasts as long as children do not crash.
  let both: readonly [fit: AbortSignal, whole: AbortSignal] | undefined
  const whileBoth = (fit: AbortSignal): AbortSignal => {
    if (both?.[0] !== fit) both = [fit, AbortSignal.any([stop.signal, fit])]
    return both[1]
  }

  const slot = async (only?: Lane) => {
    for (let failures = 0; !stop.signal.aborted;) {
      try {
        const fit = await handler.ready(stop.signal)
        const lease = await source.next(handler.kind, whileBoth(fit), only)
        failures = 0
        if (lease === null) continue
        const attempt = startAttempt(lease, options)
        const { account, task } = lease.job
        running.set(attempt, { account, task, attempt: lease.attempt, since: events.now().toISOString() })
        await attempt.settled
        running.delete(attempt)
      } catch (error) {
        if (stop.signal.aborted) return
        failures += 1
        const againInMs = backoffMs(failures)
        log.warn('no job could be taken', { error, againInMs })
        await pause(againInMs, stop.signal)
      }
    }
  }
  const slots = Promise.all([
    ...Array.from({ length: options.slots }, () => slot()),
    ...Array.from({ length: options.interactiveSlots }, () => slot('interactive')),
  ])

  const deafen = cancellations.subscribe((account, task) => {
    for (const [attempt, held] of running)
      if (held.task === task && held.account === account) void attempt.check()
  })

  const drain = async (timeoutMs: number) => {
    stop.abort()
    const late = setTimeout(() => {
      for (const attempt of running.keys()) attempt.release()
    }, timeoutMs)
    await slots
    clearTimeout(late)
    deafen()
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

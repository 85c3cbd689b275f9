import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { firstJob } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Elections } from '@pixelflow/core/ports/leader-election'
import type { Events } from '@pixelflow/core/ports/events'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { StrayJobs } from '@pixelflow/core/ports/orphaned-jobs'
import type { IdlePlace, IdleTasks } from '@pixelflow/core/ports/task-index'
import { waitForAbort } from '@pixelflow/platform/run-service'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface RequeueOrphansOptions {
  /** That of the broker: everything looked at here is dated by it. */
  readonly clock: Clock
  readonly elections: Elections
  readonly strayJobs: StrayJobs
  readonly events: Pick<Events, 'last'>
  readonly index: IdleTasks
  readonly roster: Pick<Roster, 'actors'>
  readonly log: Logger
  readonly pace?: Partial<RequeueTiming>
}

/** In milliseconds. */
export interface RequeueTiming {
  /** Pause between two rounds. */
  readonly everyMs: number
  /** What has changed or was stored more recently is no concern: twice as long as a job is held without a word. */
  readonly idleMs: number
  /** A job is taken from whoever may have it after it was found alone for so long. */
  readonly aloneMs: number
  /** An acceptance that old was looked at more than once. */
  readonly acceptedMs: number
}

const usualPace: RequeueTiming = { everyMs: 5000, idleMs: 20_000, aloneMs: 10_000, acceptedMs: 120_000 }
/** Tasks looked at in one round, and entries of the queue: the rest is for the next. */
const mostAtOnce = 500

/**
 * Finds tasks that have not ended although nothing will ever bring them to an end: no job, or one that the broker has
 * forgotten; and what is left in the queue of tasks that have. One gateway does it for all, until `signal` aborts. Never
 * rejects.
 */
export function requeueOrphans(search: RequeueOrphansOptions, signal: AbortSignal): Promise<void> {
  const pace = { ...usualPace, ...search.pace }
  const lead = async (deposed: AbortSignal) => {
    const look = createLook(search, pace)
    for (;;) {
      await pause(pace.everyMs, deposed)
      if (deposed.aborted) return
      try {
        await look(deposed)
      } catch (error) {
        if (!deposed.aborted) search.log.warn('search broken off', { error })
      }
    }
  }
  // Nobody who leaves waits for a round that waits for a broker.
  const untilDeposed = (deposed: AbortSignal) => Promise.race([lead(deposed), waitForAbort(deposed)])
  return search.elections.stand('searcher', untilDeposed, signal)
}

/** One round after the other, each with what the ones before it remember. */
function createLook(
  { clock, strayJobs, events, index, roster, log }: RequeueOrphansOptions,
  pace: RequeueTiming,
) {
  /** Since when, by the monotonic clock, an entry of the queue was found without an actor that holds it, and its task unchanged. */
  let alone = new Map<string, number>()
  let place: IdlePlace | null = null

  const taskHeld = () => {
    const tasks = roster.actors.flatMap(({ report }) => report.tasks)
    const held = new Set(tasks.map(({ account, task }) => `${account}/${task}`))
    return (account: string, task: string) => held.has(`${account}/${task}`)
  }
  const isIdle = ({ storedAt }: StoredEvent) => storedAt.getTime() < clock.now() - pace.idleMs

  /** What the queue has handed out: somebody has it, or will be given it in a moment, or nobody ever will. */
  const requeueOrphanedJobs = async (deposed: AbortSignal) => {
    const isHeld = taskHeld()
    const found = new Map<string, number>()
    let looked = 0
    for await (const stray of strayJobs.strays(pace.idleMs, deposed)) {
      const { account, task } = stray.job
      if (isHeld(account, task)) continue
      if (++looked > mostAtOnce) break
      const last = await events.last(account, task)
      if (last !== null && !isFinal(last.event) && !isIdle(last)) continue
      const key = `${stray.id} ${last?.seq}`
      const since = alone.get(key) ?? performance.now()
      found.set(key, since)
      if (performance.now() - since < pace.aloneMs) continue
      await stray.drop()
      if (last === null || isFinal(last.event)) {
        log.info('job of a task that has ended dropped', { account, task })
        continue
      }
      // An attempt that was begun counts.
      if (await strayJobs.requeue(stray.job, Math.max(stray.attempts, last.event.task.attempt)))
        log.warn('job that nobody had was queued again', { account, task, entry: stray.id })
    }
    alone = found
  }

  /** Some tasks of which nothing was heard, from where the round before ended. */
  const requeueIdleTasks = async (deposed: AbortSignal) => {
    const isHeld = taskHeld()
    const page = index.idle(new Date(clock.now() - pace.idleMs), mostAtOnce, place)
    for (const task of page.items) {
      deposed.throwIfAborted()
      const { account, id } = task
      const job = firstJob(task)
      if (isHeld(account, id) || (await strayJobs.isStored(job))) continue
      // The list may be behind.
      const last = await events.last(account, id)
      if (last === null || isFinal(last.event) || !isIdle(last)) continue
      if (await strayJobs.requeue(job, last.event.task.attempt))
        log.warn('task without a job was queued again', { account, task: id })
    }
    place = page.next
  }

  return async (deposed: AbortSignal) => {
    await requeueOrphanedJobs(deposed)
    await requeueIdleTasks(deposed)
    const forgotten = await strayJobs.forgetAcceptances(pace.acceptedMs, deposed)
    if (forgotten > 0) log.info('acceptances that led to nothing dropped', { forgotten })
  }
}

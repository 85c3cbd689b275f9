import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { firstJob } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Events } from '@pixelflow/core/ports/events'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { OrphanedJobs } from '@pixelflow/core/ports/orphaned-jobs'
import type { IdleTaskCursor, IdleTasks } from '@pixelflow/core/ports/task-index'
import { waitForAbort } from '@pixelflow/platform/run-service'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface RequeueOrphansOptions {
  /** That of the broker: everything looked at here is dated by it. */
  readonly clock: Clock
  readonly leaderElection: LeaderElection
  readonly orphanedJobs: OrphanedJobs
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
  readonly outboxMs: number
}

const usualPace: RequeueTiming = { everyMs: 5000, idleMs: 20_000, aloneMs: 10_000, outboxMs: 120_000 }
/** Tasks looked at in one round, and entries of the queue: the rest is for the next. */
const mostAtOnce = 500

/**
 * Finds tasks that have not ended although nothing will ever bring them to an end: no job, or one that the broker has
 * forgotten; and what is left in the queue of tasks that have. One gateway does it for all, until `signal` aborts. Never
 * rejects.
 */
export function requeueOrphans(search: RequeueOrphansOptions, signal: AbortSignal): Promise<void> {
  const pace = { ...usualPace, ...search.pace }
  const lead = async (lost: AbortSignal) => {
    const look = createLook(search, pace)
    for (;;) {
      await pause(pace.everyMs, lost)
      if (lost.aborted) return
      try {
        await look(lost)
      } catch (error) {
        if (!lost.aborted) search.log.warn('search broken off', { error })
      }
    }
  }
  // Nobody who leaves waits for a round that waits for a broker.
  const untilLost = (lost: AbortSignal) => Promise.race([lead(lost), waitForAbort(lost)])
  return search.leaderElection.campaign('searcher', untilLost, signal)
}

/** One round after the other, each with what the ones before it remember. */
function createLook(
  { clock, orphanedJobs, events, index, roster, log }: RequeueOrphansOptions,
  pace: RequeueTiming,
) {
  /** Since when, by the monotonic clock, an entry of the queue was found without an actor that holds it, and its task unchanged. */
  let alone = new Map<string, number>()
  let place: IdleTaskCursor | null = null

  const taskHeld = () => {
    const tasks = roster.actors.flatMap(({ report }) => report.tasks)
    const held = new Set(tasks.map(({ account, task }) => `${account}/${task}`))
    return (account: string, task: string) => held.has(`${account}/${task}`)
  }
  const isIdle = ({ storedAt }: StoredEvent) => storedAt.getTime() < clock.now() - pace.idleMs

  /** What the queue has handed out: somebody has it, or will be given it in a moment, or nobody ever will. */
  const requeueOrphanedJobs = async (lost: AbortSignal) => {
    const isHeld = taskHeld()
    const found = new Map<string, number>()
    let looked = 0
    for await (const stray of orphanedJobs.find(pace.idleMs, lost)) {
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
      if (await orphanedJobs.requeue(stray.job, Math.max(stray.attempts, last.event.task.attempt)))
        log.warn('job that nobody had was queued again', { account, task, entry: stray.id })
    }
    alone = found
  }

  /** Some tasks of which nothing was heard, from where the round before ended. */
  const requeueIdleTasks = async (lost: AbortSignal) => {
    const isHeld = taskHeld()
    const page = index.idle(new Date(clock.now() - pace.idleMs), mostAtOnce, place)
    for (const task of page.items) {
      lost.throwIfAborted()
      const { account, id } = task
      const job = firstJob(task)
      if (isHeld(account, id) || (await orphanedJobs.isStored(job))) continue
      // The list may be behind.
      const last = await events.last(account, id)
      if (last === null || isFinal(last.event) || !isIdle(last)) continue
      if (await orphanedJobs.requeue(job, last.event.task.attempt))
        log.warn('task without a job was queued again', { account, task: id })
    }
    place = page.next
  }

  return async (lost: AbortSignal) => {
    await requeueOrphanedJobs(lost)
    await requeueIdleTasks(lost)
    const forgotten = await orphanedJobs.purgeOutbox(pace.outboxMs, lost)
    if (forgotten > 0) log.info('acceptances that led to nothing dropped', { forgotten })
  }
}

import type { NewTask } from '@pixelflow/core/actor-kinds'
import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { createFirstJob } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Events } from '@pixelflow/core/ports/events'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { OrphanedJobs } from '@pixelflow/core/ports/orphaned-jobs'
import type { IdleTaskCursor, IdleTasks } from '@pixelflow/core/ports/task-index'
import { waitForAbort } from '@pixelflow/platform/run-service'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { msUntilTick } from '@pixelflow/platform/ticks'

export interface RequeueOrphansOptions {
  /** The clock of the broker, which dates everything that is compared here. */
  readonly clock: Clock
  readonly leaderElection: LeaderElection
  readonly orphanedJobs: OrphanedJobs
  readonly events: Pick<Events, 'last'>
  readonly index: IdleTasks
  readonly roster: Pick<Roster, 'actors'>
  readonly log: Logger
  readonly timing?: Partial<RequeueTiming>
}

/** All in milliseconds. */
export interface RequeueTiming {
  /** Time between two rounds. */
  readonly everyMs: number
  /** Tasks and jobs that changed more recently are skipped. Twice the time after which the broker redelivers a job. */
  readonly idleMs: number
  /** A job is requeued when no actor has reported it for so long. */
  readonly aloneMs: number
  /** A task that has not changed for so long is checked once: the gateway that accepted it may have died before it queued it. */
  readonly newTaskMs: number
}

const defaultTiming: RequeueTiming = { everyMs: 5000, idleMs: 20_000, aloneMs: 10_000, newTaskMs: 5000 }
/** How far a new leader looks back for tasks that were not checked yet, in milliseconds. */
const newestMs = 120_000
/** Most tasks, and most queue entries, that one round checks. */
const maxPerRound = 500

/**
 * Requeues orphaned jobs: jobs that the broker has delivered but that no actor holds, and active tasks without a job, such as
 * those of a gateway that died between the first event and the job. It also drops the jobs of tasks that have ended. One elected gateway does it for all, until `signal` aborts. Never
 * rejects.
 */
export function requeueOrphans(options: RequeueOrphansOptions, signal: AbortSignal): Promise<void> {
  const timing = { ...defaultTiming, ...options.timing }
  const lead = async (lost: AbortSignal) => {
    const runRound = createRound(options, timing)
    // The first round waits, so that the actors are known.
    const first = pause(timing.everyMs, lost)
    for (await first; !lost.aborted; await pause(msUntilTick(timing.everyMs), lost)) {
      try {
        await runRound(lost)
      } catch (error) {
        if (!lost.aborted) options.log.warn('orphan check failed', { error })
      }
    }
  }
  // A gateway that stops must not wait for a round that waits for the broker.
  const untilLost = (lost: AbortSignal) => Promise.race([lead(lost), waitForAbort(lost)])
  return options.leaderElection.campaign('orphan-requeuer', untilLost, signal)
}

/** A function that runs one round and remembers what the next one needs. */
function createRound(
  { clock, orphanedJobs, events, index, roster, log }: RequeueOrphansOptions,
  timing: RequeueTiming,
) {
  /** When each queue entry was first found without an actor and with an unchanged task, by the monotonic clock. */
  let orphanedSince = new Map<string, number>()
  let cursor: IdleTaskCursor | null = null
  /** Up to where tasks were checked once. Earlier ones are left to the leader before, and to the round over all tasks. */
  let checkedTo: IdleTaskCursor = { changed: clock.now() - newestMs, account: '', task: '' }

  const heldTasks = () => {
    const tasks = roster.actors.flatMap(({ report }) => report.tasks)
    const held = new Set(tasks.map(({ account, task }) => `${account}/${task}`))
    return (account: string, task: string) => held.has(`${account}/${task}`)
  }
  const isIdle = ({ storedAt }: StoredEvent, idleMs = timing.idleMs) =>
    storedAt.getTime() < clock.now() - idleMs

  /** Checks the jobs that the broker has delivered: an actor holds them, or they are orphaned. */
  const requeueOrphanedJobs = async (lost: AbortSignal) => {
    const isHeld = heldTasks()
    const found = new Map<string, number>()
    let checked = 0
    for await (const orphan of orphanedJobs.find(timing.idleMs, lost)) {
      const { account, task } = orphan.job
      if (isHeld(account, task)) continue
      if (++checked > maxPerRound) break
      const last = await events.last(account, task)
      if (last !== null && !isFinal(last.event) && !isIdle(last)) continue
      const key = `${orphan.id} ${last?.seq}`
      const since = orphanedSince.get(key) ?? performance.now()
      found.set(key, since)
      if (performance.now() - since < timing.aloneMs) continue
      await orphan.drop()
      if (last === null || isFinal(last.event)) {
        log.info('job of ended task dropped', { account, task })
        continue
      }
      // An attempt that has started counts, even if the actor was lost.
      if (await orphanedJobs.requeue(orphan.job, Math.max(orphan.attempts, last.event.task.attempt)))
        log.warn('orphaned job requeued', { account, task, entry: orphan.id })
    }
    orphanedSince = found
  }

  /** Gives a job to those of the tasks that have none. */
  const requeueWithoutJob = async (tasks: readonly NewTask[], idleMs: number, lost: AbortSignal) => {
    const isHeld = heldTasks()
    for (const task of tasks) {
      lost.throwIfAborted()
      const { account, id } = task
      const job = createFirstJob(task)
      if (isHeld(account, id) || (await orphanedJobs.isStored(job))) continue
      // The task list may be behind the event log.
      const last = await events.last(account, id)
      if (last === null || isFinal(last.event) || !isIdle(last, idleMs)) continue
      if (await orphanedJobs.requeue(job, last.event.task.attempt))
        log.warn('task without a job requeued', { account, task: id })
    }
  }

  /** Checks some active tasks without recent events, from where the previous round ended. */
  const requeueIdleTasks = async (lost: AbortSignal) => {
    const page = index.idle(new Date(clock.now() - timing.idleMs), maxPerRound, cursor)
    await requeueWithoutJob(page.items, timing.idleMs, lost)
    cursor = page.next
  }

  /** Checks the tasks that have become idle since the previous round, so that these need not wait for all others. */
  const requeueNewTasks = async (lost: AbortSignal) => {
    const before = new Date(clock.now() - timing.newTaskMs)
    const page = index.idle(before, maxPerRound, checkedTo)
    await requeueWithoutJob(page.items, timing.newTaskMs, lost)
    // Not up to `before`: the task list may be behind, and gets tasks in the order of their changes.
    checkedTo = page.end ?? checkedTo
  }

  return async (lost: AbortSignal) => {
    await requeueOrphanedJobs(lost)
    await requeueNewTasks(lost)
    await requeueIdleTasks(lost)
  }
}

import { dispatcherName, countWorkers } from '@pixelflow/core/actor'
import { Fault } from '@pixelflow/core/fault'
import type { ActorKind } from '@pixelflow/core/actor-kinds'
import { createNotifier } from '@pixelflow/core/notifier'
import { pause } from '@pixelflow/core/pause'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Registry, Roster } from '@pixelflow/core/ports/registry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createAdmissionWindow } from './admission-window.ts'

export interface AdmitBulkJobsOptions {
  readonly kind: ActorKind
  readonly leaderElection: LeaderElection
  readonly backlog: Backlog
  readonly registry: Pick<Registry, 'follow'>
  /** Limit of bulk jobs of an account in the queue; Infinity for no limit. */
  readonly maxAdmittedOf: (account: string) => number
  /** Called when this process becomes the leader, and when it is no longer. */
  readonly onLeaderChange?: (isLeader: boolean) => void
  readonly log: Logger
}

/** Pause between two rounds, in milliseconds; events during it are handled together. */
const roundPauseMs = 5
/** First wait after a notification that found the queue still full, in milliseconds. It doubles up to `maxPollMs`. */
const firstPollMs = 5
/** Longest wait, because notifications may be lost. */
const maxPollMs = 250
const idleMs = 60_000
/** Pause after a term that ended with an error, in milliseconds. */
const failedTermPauseMs = 500
/** How often the oldest job of the backlog is checked against the waiting jobs, in milliseconds. */
const verifyEveryMs = 10_000

/**
 * Admits bulk jobs into the queue: as many as keep the actors busy, round-robin by account, so that a flood of one account
 * delays no other account. One elected process does this for all. Two leaders for a moment admit too many jobs, which is
 * harmless. Runs until `signal` aborts; never rejects.
 */
export function admitBulkJobs(options: AdmitBulkJobsOptions, signal: AbortSignal): Promise<void> {
  const { leaderElection, kind, onLeaderChange, log } = options
  return leaderElection.campaign(
    dispatcherName(kind),
    async (lost) => {
      log.debug('dispatcher elected', { kind })
      onLeaderChange?.(true)
      try {
        await lead(options, lost)
      } catch (error) {
        // An immediate new term would fail as fast.
        await pause(failedTermPauseMs, lost)
        throw error
      } finally {
        onLeaderChange?.(false)
      }
    },
    signal,
  )
}

/** One term as the leader. All state is read from the backlog. */
async function lead(options: AdmitBulkJobsOptions, lost: AbortSignal): Promise<void> {
  const { kind, backlog, registry, log } = options
  using roster = registry.follow()
  const over = new AbortController()
  const signal = AbortSignal.any([lost, over.signal])
  const notifier = createNotifier()
  /** Kept until the next round, since a notification during a round would be lost. */
  let isNotified = false
  const notify = () => {
    isNotified = true
    notifier.notify()
  }
  const window = createAdmissionWindow({ ...options, sizeOf: () => windowSize(roster, kind) })
  /** The newest sequence that was read from the backlog. */
  let newest = 0

  const readBacklog = async () => {
    for await (const entry of backlog.follow(kind, signal)) {
      newest = entry.seq
      // A full window needs no notification: the end of an admitted job notifies. That is ignored while no job waits.
      const isFirst = window.waiting.size === 0
      window.waiting.add(entry)
      if (isFirst || !window.isFull) notify()
    }
  }

  const admitJobs = async () => {
    let waitMs = maxPollMs
    while (!signal.aborted) {
      const timeoutMs = window.waiting.size === 0 ? idleMs : waitMs
      if (!isNotified) await notifier.wait({ signal, timeoutMs })
      const wasNotified = isNotified
      isNotified = false
      if (signal.aborted || window.waiting.size === 0) continue
      try {
        const { admitted, isQueueFull } = await window.fill(signal)
        if (isQueueFull) log.debug('bulk jobs not admitted; the queue is full', { kind })
        // Jobs that arrived during the round saw a full window and did not notify.
        if (isQueueFull) waitMs = maxPollMs
        else if (admitted > 0) waitMs = window.isFull ? maxPollMs : 0
        else if (!window.isFull) waitMs = maxPollMs
        else waitMs = wasNotified ? firstPollMs : Math.min(maxPollMs, 2 * waitMs + firstPollMs)
      } catch (error) {
        log.debug('bulk jobs not admitted', { kind, error })
        waitMs = maxPollMs
      }
      await pause(roundPauseMs, signal)
    }
  }

  /** A safety net: ends the term when a job of the backlog was missed, so that the next term reads it. */
  const verify = async () => {
    for (let suspect = 0; !signal.aborted; await pause(verifyEveryMs, signal)) {
      const { seq = 0 } = (await backlog.oldest(kind).catch(() => null)) ?? {}
      const isKnown = seq === 0 || seq > newest || window.has(seq)
      if (!isKnown && seq === suspect)
        throw new Fault('internal', `The dispatcher missed job ${seq} of the backlog.`)
      suspect = isKnown ? 0 : seq
    }
  }

  const unsubscribe = backlog.onJobSettled(kind, notify)
  const parts = [readBacklog(), admitJobs(), verify()].map((part) => part.finally(() => over.abort()))
  try {
    await Promise.all(parts)
  } finally {
    unsubscribe()
    await Promise.allSettled(parts)
  }
}

/**
 * Limit of bulk jobs in the queue: two for each worker, one in progress and one to continue with. More would delay jobs
 * of other accounts, and fewer would leave workers idle.
 */
function windowSize({ actors }: Roster, kind: ActorKind): number {
  return Math.max(2, 2 * countWorkers(actors, [kind]))
}

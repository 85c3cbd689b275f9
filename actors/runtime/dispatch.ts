import { dispatcherName, countWorkers } from '@pixelflow/core/actor'
import { Fault } from '@pixelflow/core/fault'
import type { ActorKind } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Registry, Roster } from '@pixelflow/core/ports/registry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createNotifier } from '@pixelflow/core/notifier'
import { createAdmissionWindow } from './admission-window.ts'

export interface DispatchOptions {
  readonly kind: ActorKind
  readonly leaderElection: LeaderElection
  readonly backlog: Backlog
  readonly registry: Pick<Registry, 'follow'>
  /** Bulk jobs of an account that are in the queue at once at most; Infinity where there is no limit. */
  readonly mostOf: (account: string) => number
  /** Told when this process takes the office, and when it has left it. */
  readonly onOffice?: (isHeld: boolean) => void
  readonly log: Logger
}

/** Between two rounds, in milliseconds: what comes meanwhile is seen to together. */
const paceMs = 5
/** When a job is said to be over and the queue still holds it: then it is looked again after this, twice that, … */
const settlingMs = 5
/** … and at last this often, for words may get lost. */
const lookEveryMs = 250
const idleMs = 60_000
/** Before a term that ended with a fault is followed by another. */
const againMs = 500
/** How often what has waited longest is held against what is known of. */
const verifyEveryMs = 10_000

/**
 * Lets bulk jobs into the queue: no more than keep the actors busy, and of one account after the other, so that nobody's
 * thousand jobs stand before another's one. One process does this for all. A second one, as there may be for a moment,
 * lets in too many and harms nobody. Runs until `signal` aborts; never rejects.
 */
export function dispatch(options: DispatchOptions, signal: AbortSignal): Promise<void> {
  const { leaderElection, kind, onOffice, log } = options
  return leaderElection.campaign(
    dispatcherName(kind),
    async (lost) => {
      log.debug('dispatching', { kind })
      onOffice?.(true)
      try {
        await lead(options, lost)
      } catch (error) {
        // What fails at once would fail as fast again.
        await pause(againMs, lost)
        throw error
      } finally {
        onOffice?.(false)
      }
    },
    signal,
  )
}

/** One term: begins with nothing but what stands in the backlog. */
async function lead(options: DispatchOptions, lost: AbortSignal): Promise<void> {
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
  const window = createAdmissionWindow({ ...options, widthOf: () => windowOf(roster, kind) })
  /** The newest seq that was heard of. */
  let newest = 0

  const read = async () => {
    for await (const waiting of backlog.follow(kind, signal)) {
      newest = waiting.seq
      // Where others have to end first, their end will ring; while nobody waits nobody heeds that.
      const isFirst = window.roundRobin.size === 0
      window.roundRobin.add(waiting)
      if (isFirst || !window.isFull) notify()
    }
  }

  const letIn = async () => {
    let waitMs = lookEveryMs
    while (!signal.aborted) {
      const timeoutMs = window.roundRobin.size === 0 ? idleMs : waitMs
      if (!isNotified) await notifier.wait({ signal, timeoutMs })
      const wasNotified = isNotified
      isNotified = false
      if (signal.aborted || window.roundRobin.size === 0) continue
      try {
        const admitted = await window.round(signal)
        // Who came during the round found it full and did not ring.
        if (admitted > 0) waitMs = window.isFull ? lookEveryMs : 0
        else if (!window.isFull) waitMs = lookEveryMs
        else waitMs = wasNotified ? settlingMs : Math.min(lookEveryMs, 2 * waitMs + settlingMs)
      } catch (error) {
        log.debug('bulk jobs not let in', { kind, error })
        waitMs = lookEveryMs
      }
      await pause(paceMs, signal)
    }
  }

  /** Following and counting are exact; should they not be, then nothing waits for ever. */
  const verify = async () => {
    for (let suspect = 0; !signal.aborted; await pause(verifyEveryMs, signal)) {
      const { seq = 0 } = (await backlog.oldest(kind).catch(() => null)) ?? {}
      const isKnown = seq === 0 || seq > newest || window.knows(seq)
      if (!isKnown && seq === suspect) throw new Fault('internal', 'A job of the backlog was lost sight of.')
      suspect = isKnown ? 0 : seq
    }
  }

  const deafen = backlog.onJobSettled(kind, notify)
  const parts = [read(), letIn(), verify()].map((part) => part.finally(() => over.abort()))
  try {
    await Promise.all(parts)
  } finally {
    deafen()
    await Promise.allSettled(parts)
  }
}

/**
 * How many bulk jobs may be in the queue: as many as are worked on at once, and one each to go on with. More would stand
 * before those that come, and fewer would let children wait.
 */
function windowOf({ actors }: Roster, kind: ActorKind): number {
  return Math.max(2, 2 * countWorkers(actors, kind))
}

import type { StoredEvent } from '@pixelflow/core/event'
import { pause } from '@pixelflow/core/pause'
import { markOf } from '@pixelflow/core/position'
import type { EventLog } from '@pixelflow/core/ports/events'
import type { Log } from '@pixelflow/fabric/telemetry/log'
import type { ReadModel } from '../readmodel/tasks.ts'
import type { Feed } from '../usecases/ports.ts'
import { createMilestones } from './milestones.ts'
import type { Watchers } from './watchers.ts'

/** A log that has been quiet for so long has been read to its end, whatever its last sequence says. */
const quietMs = 3000
const firstWaitMs = 100
const longestWaitMs = 5000

export interface FollowerState {
  /** Sequence of the last event taken. */
  readonly position: number
  readonly isCaughtUp: boolean
  /** How long after it was written the last event was taken, by the clocks of its writer and of ours; NaN before the first. */
  readonly lagMs: number
  readonly watchers: number
}

export interface Follower extends Feed, AsyncDisposable {
  readonly state: FollowerState
  /** The read model has gone back: so do we. */
  setBack(): void
}

export interface FollowerNeeds {
  readonly eventLog: EventLog
  readonly index: ReadModel
  readonly watchers: Watchers
  /** Told when sequences of before mean nothing any more. */
  readonly onNewLog: () => void
  readonly log: Log
}

/**
 * Follows the event log from where the read model stands, feeding it and the watchers, in this order: whoever has seen
 * an event finds it in the list. A fault is met by starting again from there, after a growing while.
 */
export function startFollower({ eventLog, index, watchers, onNewLog, log }: FollowerNeeds): Follower {
  const stopping = new AbortController()
  const milestones = createMilestones()
  let isCaughtUp = false
  let lagMs = Number.NaN
  let round = new AbortController()
  let target = 0
  let waitMs = firstWaitMs

  const caughtUp = () => {
    if (isCaughtUp) return
    isCaughtUp = true
    milestones.reach(Infinity)
    log.info('caught up with the event log', { position: index.position })
  }

  const take = (one: StoredEvent) => {
    index.apply([one])
    lagMs = Math.max(0, Date.now() - Date.parse(one.event.at))
    watchers.dispatch(one)
    milestones.reach(one.seq)
    if (one.seq >= target) caughtUp()
    waitMs = firstWaitMs
  }

  const follow = async (signal: AbortSignal) => {
    const { log: identity, last } = await eventLog.position()
    if (index.log !== identity || index.position > last) {
      log.info('folding the event log from its beginning', { last })
      index.restart(identity)
      onNewLog()
    }
    target = last
    if (index.position >= target) caughtUp()
    // An entry that this version cannot read is passed over: its sequence may be the last, and is never reached.
    let quiet = setTimeout(caughtUp, quietMs)
    try {
      for await (const one of eventLog.follow(index.position, signal)) {
        take(one)
        if (!isCaughtUp) quiet = refreshed(quiet, caughtUp)
      }
    } finally {
      clearTimeout(quiet)
    }
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      round = new AbortController()
      const signal = AbortSignal.any([stopping.signal, round.signal])
      try {
        await follow(signal)
      } catch (error) {
        if (!signal.aborted) log.warn('following the event log failed', { error, retryMs: waitMs })
      }
      if (stopping.signal.aborted) return
      isCaughtUp = false
      await pause(waitMs, stopping.signal)
      waitMs = Math.min(2 * waitMs, longestWaitMs)
    }
  }
  const running = run()

  const head = (withinMs: number) => {
    const asked = eventLog.position().catch(() => undefined)
    return Promise.race([asked, pause(withinMs).then(() => undefined)])
  }

  return {
    subscribe: watchers.subscribe,
    get log() {
      return index.log
    },
    head,
    reached(seq, withinMs, mark) {
      const isThere = () => index.position >= seq && (mark === undefined || markOf(index.log) === mark)
      return milestones.reached(isThere, seq, withinMs)
    },
    async current(withinMs) {
      const begun = performance.now()
      const found = await head(withinMs)
      if (found === undefined) return false
      const leftMs = withinMs - (performance.now() - begun)
      return milestones.reached(() => index.position >= found.last, found.last, leftMs)
    },
    caughtUp: (withinMs) => milestones.reached(() => isCaughtUp, Infinity, withinMs),
    get state() {
      return { position: index.position, isCaughtUp, lagMs, watchers: watchers.count }
    },
    setBack() {
      isCaughtUp = false
      round.abort()
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

function refreshed(timer: ReturnType<typeof setTimeout>, then: () => void): ReturnType<typeof setTimeout> {
  clearTimeout(timer)
  return setTimeout(then, quietMs)
}

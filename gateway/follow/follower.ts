import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { markOf } from '@pixelflow/core/position'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { EventLog } from '@pixelflow/core/ports/events'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { checkpointHash } from '../readmodel/checkpoint-hash.ts'
import type { ReadModel } from '../readmodel/read-model.ts'
import type { EventFollower } from '../ports.ts'
import { createSequenceWaiters } from '../consistency/sequence-waiters.ts'
import type { Watchers } from './watchers.ts'

/** A log that has been quiet for so long has been read to its end, whatever its last sequence says. */
const quietMs = 3000
const electionMs = 500
const mostLooks = 4
const firstWaitMs = 100
const longestWaitMs = 5000

export interface FollowerState {
  /** Sequence of the last event taken. */
  readonly position: number
  readonly isCaughtUp: boolean
  /** How long after it was stored the last event was taken, in milliseconds by the log's clock; NaN before the first. */
  readonly lagMs: number
  readonly watchers: number
}

export interface Follower extends EventFollower, AsyncDisposable {
  readonly state: FollowerState
  /** The read model has gone back: so do we. */
  onRewound(): void
}

export interface FollowerNeeds {
  /** That of the event log. */
  readonly clock: Clock
  readonly eventLog: EventLog
  readonly index: ReadModel
  readonly watchers: Watchers
  /** Told when sequences of before mean nothing any more. */
  readonly onNewLog: () => void
  readonly log: Logger
}

/**
 * Follows the event log from where the read model stands, feeding it and the watchers, in this order: whoever has seen
 * an event finds it in the list. A fault is met by starting again from there, after a growing while.
 */
export function startFollower({ clock, eventLog, index, watchers, onNewLog, log }: FollowerNeeds): Follower {
  const stopping = new AbortController()
  const sequenceWaiters = createSequenceWaiters()
  let isCaughtUp = false
  let lagMs = Number.NaN
  let round = new AbortController()
  let target = 0
  let waitMs = firstWaitMs

  const caughtUp = () => {
    if (isCaughtUp) return
    isCaughtUp = true
    sequenceWaiters.reach(Infinity)
    log.info('caught up with the event log', { position: index.position })
  }

  const take = (one: StoredEvent) => {
    index.apply([one])
    lagMs = Math.max(0, clock.now() - one.storedAt.getTime())
    watchers.dispatch(one)
    sequenceWaiters.reach(one.seq)
    if (one.seq >= target) caughtUp()
    waitMs = firstWaitMs
  }

  /** Where the log ends. A leader that was elected a moment ago may not know of all that we do. */
  const headBeyond = async (signal: AbortSignal) => {
    for (let looks = 1; ; looks += 1) {
      const head = await eventLog.position()
      const isShort = head.log === index.log && head.written < index.position
      if (!isShort || looks === mostLooks || signal.aborted) return head
      await pause(electionMs, signal)
    }
  }

  /**
   * Why the list is not that of the log, though the log is called the same: it may have been set back to a copy of before,
   * and have gone on otherwise. What cannot be told is folded again.
   */
  const difference = async (last: number): Promise<string | undefined> => {
    if (index.position > last) return 'the log ends before'
    if (index.position === 0) return undefined
    const there = await eventLog.at(index.position).catch(nullIfUnreadable)
    if (there === null) return 'nothing stands there any more'
    return checkpointHash(there) === index.checkpointHash ? undefined : 'another event stands there'
  }

  const follow = async (signal: AbortSignal) => {
    const { log: identity, last } = await headBeyond(signal)
    const why =
      index.log === identity ? await difference(last) : index.log === '' ? 'new list' : 'another log'
    if (why) {
      log.info('folding the event log from its beginning', { why, last })
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
      return sequenceWaiters.reached(isThere, seq, withinMs)
    },
    async current(withinMs) {
      const begun = performance.now()
      const found = await head(withinMs)
      if (found === undefined) return false
      const leftMs = withinMs - (performance.now() - begun)
      return sequenceWaiters.reached(() => index.position >= found.last, found.last, leftMs)
    },
    caughtUp: (withinMs) => sequenceWaiters.reached(() => isCaughtUp, Infinity, withinMs),
    get state() {
      return { position: index.position, isCaughtUp, lagMs, watchers: watchers.count }
    },
    onRewound() {
      isCaughtUp = false
      round.abort()
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

/** We have read what stood there. */
function nullIfUnreadable(thrown: unknown): null {
  if (Fault.of(thrown).code === 'incompatible_record') return null
  throw thrown
}

function refreshed(timer: ReturnType<typeof setTimeout>, then: () => void): ReturnType<typeof setTimeout> {
  clearTimeout(timer)
  return setTimeout(then, quietMs)
}

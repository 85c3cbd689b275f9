import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import { within } from '@pixelflow/core/within'
import { hashLogId } from '@pixelflow/core/position'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { EventLog } from '@pixelflow/core/ports/events'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { checkpointHash } from '../readmodel/checkpoint-hash.ts'
import type { ReadModel } from '../readmodel/read-model.ts'
import type { EventFollower } from '../ports.ts'
import { createSequenceWaiters } from '../consistency/sequence-waiters.ts'
import { createRecentHistories } from './recent-histories.ts'
import type { Watchers } from './watchers.ts'

/** When no event arrives for so long, the log was read to its end, even if its last sequence is higher. */
const quietMs = 3000
/** A stream leader that was elected a moment ago may report an end that is too low, so the end is read again. */
const headRetry = { pauseMs: 500, tries: 4 }
const backoff = { initialMs: 100, maxMs: 5000 }

export interface FollowerState {
  /** Sequence of the last event processed. */
  readonly sequence: number
  readonly isCaughtUp: boolean
  /** Time between the storage and the processing of the last event, by the log's clock; NaN before the first. */
  readonly lagMs: number
  readonly watchers: number
}

export interface Follower extends EventFollower, AsyncDisposable {
  readonly state: FollowerState
  /** The sequence of the read model has decreased: continue from there. */
  onRewound(): void
}

export interface FollowerOptions {
  /** The clock of the event log. */
  readonly clock: Clock
  readonly eventLog: EventLog
  readonly index: ReadModel
  readonly watchers: Watchers
  /** Called when a new log has replaced the one that earlier sequences belong to. */
  readonly onNewLog: () => void
  readonly log: Logger
}

/**
 * Follows the event log from the sequence of the read model. Each event goes to the read model before it goes to the
 * watchers, so a client that has seen an event finds it in the list. After a fault it starts again, with a back-off.
 */
export function startFollower({
  clock,
  eventLog,
  index,
  watchers,
  onNewLog,
  log,
}: FollowerOptions): Follower {
  const stopping = new AbortController()
  const sequenceWaiters = createSequenceWaiters()
  const recent = createRecentHistories()
  let isCaughtUp = false
  let lagMs = Number.NaN
  let subscriptionAbort = new AbortController()
  let target = 0
  let failures = 0

  const setCaughtUp = () => {
    if (isCaughtUp) return
    isCaughtUp = true
    sequenceWaiters.reach(Infinity)
    log.info('task list caught up', { sequence: index.sequence })
  }

  const handle = (events: readonly StoredEvent[]) => {
    const one = events.at(-1)
    if (one === undefined) return
    // The last event of an entry has the newest snapshot.
    index.apply([one])
    recent.add(events)
    lagMs = Math.max(0, clock.now() - one.storedAt.getTime())
    watchers.publish(events)
    sequenceWaiters.reach(one.seq)
    if (one.seq >= target) setCaughtUp()
    failures = 0
  }

  const readSettledHead = async (signal: AbortSignal) => {
    for (let tries = 1; ; tries += 1) {
      const head = await eventLog.readHead()
      const isTooLow = head.logId === index.logId && head.written < index.sequence
      if (!isTooLow || tries === headRetry.tries || signal.aborted) return head
      await pause(headRetry.pauseMs, signal)
    }
  }

  /**
   * Why the list differs from the log although the log has the same identity: a restored backup may have continued
   * differently. When in doubt, the list is rebuilt.
   */
  const findDifference = async (last: number): Promise<string | undefined> => {
    if (index.sequence > last) return 'log ends before the checkpoint'
    if (index.sequence === 0) return undefined
    const there = await eventLog.at(index.sequence).catch(nullIfIncompatible)
    if (there === null) return 'no event at the checkpoint'
    return checkpointHash(there) === index.checkpointHash ? undefined : 'different event at the checkpoint'
  }

  const follow = async (signal: AbortSignal) => {
    const { logId, last } = await readSettledHead(signal)
    const reason =
      index.logId === logId ? await findDifference(last) : index.logId === '' ? 'new list' : 'new log'
    if (reason) {
      log.info('task list rebuild started', { reason, last })
      index.restart(logId)
      recent.clear()
      onNewLog()
    }
    target = last
    if (index.sequence >= target) setCaughtUp()
    // An incompatible record is skipped. When it is the last one, its sequence is never reached.
    let quiet = setTimeout(setCaughtUp, quietMs)
    try {
      for await (const events of eventLog.follow(index.sequence, signal)) {
        handle(events)
        if (!isCaughtUp) quiet = restartTimer(quiet, setCaughtUp)
      }
    } finally {
      clearTimeout(quiet)
    }
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      subscriptionAbort = new AbortController()
      const signal = AbortSignal.any([stopping.signal, subscriptionAbort.signal])
      try {
        await follow(signal)
      } catch (error) {
        if (!signal.aborted) log.warn('event log subscription failed', { error, failures: failures + 1 })
      }
      if (stopping.signal.aborted) return
      isCaughtUp = false
      failures += 1
      await pause(backoffMs(failures, backoff), stopping.signal)
    }
  }
  const running = run()

  const readHeadWithin = (withinMs: number) =>
    within(
      eventLog.readHead().catch(() => undefined),
      withinMs,
    )

  return {
    subscribe: watchers.subscribe,
    recentHistory: recent.read,
    addFirstEvent(event) {
      // Later events of the task may have been followed, and its history dropped, before the append was answered.
      if (event.seq > index.sequence) recent.add([event])
    },
    get logId() {
      return index.logId
    },
    readHead: readHeadWithin,
    waitForSequence(seq, withinMs, logHash) {
      const hasReached = () =>
        index.sequence >= seq && (logHash === undefined || hashLogId(index.logId) === logHash)
      return sequenceWaiters.wait(hasReached, seq, withinMs)
    },
    async waitForHead(withinMs) {
      const startedAt = performance.now()
      const found = await readHeadWithin(withinMs)
      if (found === undefined) return false
      const leftMs = withinMs - (performance.now() - startedAt)
      return sequenceWaiters.wait(() => index.sequence >= found.last, found.last, leftMs)
    },
    waitForCatchUp: (withinMs) => sequenceWaiters.wait(() => isCaughtUp, Infinity, withinMs),
    get state() {
      return { sequence: index.sequence, isCaughtUp, lagMs, watchers: watchers.count }
    },
    onRewound() {
      isCaughtUp = false
      subscriptionAbort.abort()
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

/** The event at the checkpoint was readable, so an incompatible record is a different one. */
function nullIfIncompatible(thrown: unknown): null {
  if (Fault.of(thrown).code === 'incompatible_record') return null
  throw thrown
}

function restartTimer(timer: ReturnType<typeof setTimeout>, then: () => void): ReturnType<typeof setTimeout> {
  clearTimeout(timer)
  return setTimeout(then, quietMs)
}

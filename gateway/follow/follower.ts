import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import { hashLog } from '@pixelflow/core/position'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { EventLog } from '@pixelflow/core/ports/events'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { checkpointHash } from '../readmodel/checkpoint-hash.ts'
import type { ReadModel } from '../readmodel/read-model.ts'
import type { EventFollower } from '../ports.ts'
import { createSequenceWaiters } from '../consistency/sequence-waiters.ts'
import type { Watchers } from './watchers.ts'

/** When no event arrives for so long, the log was read to its end, even if its last sequence is higher. */
const quietMs = 3000
/** A stream leader that was elected a moment ago may report an end that is too low, so the end is read again. */
const headRetry = { pauseMs: 500, tries: 4 }
const backoff = { initialMs: 100, maxMs: 5000 }

export interface FollowerState {
  /** Sequence of the last event processed. */
  readonly position: number
  readonly isCaughtUp: boolean
  /** Time between the storage and the processing of the last event, by the log's clock; NaN before the first. */
  readonly lagMs: number
  readonly watchers: number
}

export interface Follower extends EventFollower, AsyncDisposable {
  readonly state: FollowerState
  /** The position of the read model has decreased: continue from there. */
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
 * Follows the event log from the position of the read model. Each event goes to the read model before it goes to the
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
  let isCaughtUp = false
  let lagMs = Number.NaN
  let attempt = new AbortController()
  let target = 0
  let failures = 0

  const setCaughtUp = () => {
    if (isCaughtUp) return
    isCaughtUp = true
    sequenceWaiters.reach(Infinity)
    log.info('task list caught up', { position: index.position })
  }

  const handle = (one: StoredEvent) => {
    index.apply([one])
    lagMs = Math.max(0, clock.now() - one.storedAt.getTime())
    watchers.dispatch(one)
    sequenceWaiters.reach(one.seq)
    if (one.seq >= target) setCaughtUp()
    failures = 0
  }

  const readSettledHead = async (signal: AbortSignal) => {
    for (let tries = 1; ; tries += 1) {
      const head = await eventLog.position()
      const isTooLow = head.log === index.logId && head.written < index.position
      if (!isTooLow || tries === headRetry.tries || signal.aborted) return head
      await pause(headRetry.pauseMs, signal)
    }
  }

  /**
   * Why the list differs from the log although the log has the same identity: a restored backup may have continued
   * differently. When in doubt, the list is rebuilt.
   */
  const findDifference = async (last: number): Promise<string | undefined> => {
    if (index.position > last) return 'log ends before the checkpoint'
    if (index.position === 0) return undefined
    const there = await eventLog.at(index.position).catch(nullIfIncompatible)
    if (there === null) return 'no event at the checkpoint'
    return checkpointHash(there) === index.checkpointHash ? undefined : 'different event at the checkpoint'
  }

  const follow = async (signal: AbortSignal) => {
    const { log: logId, last } = await readSettledHead(signal)
    const reason =
      index.logId === logId ? await findDifference(last) : index.logId === '' ? 'new list' : 'new log'
    if (reason) {
      log.info('task list rebuild started', { reason, last })
      index.restart(logId)
      onNewLog()
    }
    target = last
    if (index.position >= target) setCaughtUp()
    // An incompatible record is skipped. When it is the last one, its sequence is never reached.
    let quiet = setTimeout(setCaughtUp, quietMs)
    try {
      for await (const one of eventLog.follow(index.position, signal)) {
        handle(one)
        if (!isCaughtUp) quiet = restartTimer(quiet, setCaughtUp)
      }
    } finally {
      clearTimeout(quiet)
    }
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      attempt = new AbortController()
      const signal = AbortSignal.any([stopping.signal, attempt.signal])
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

  const readHeadWithin = (withinMs: number) => {
    const answer = eventLog.position().catch(() => undefined)
    return Promise.race([answer, pause(withinMs).then(() => undefined)])
  }

  return {
    subscribe: watchers.subscribe,
    get logId() {
      return index.logId
    },
    readHead: readHeadWithin,
    waitForSequence(seq, withinMs, mark) {
      const hasReached = () => index.position >= seq && (mark === undefined || hashLog(index.logId) === mark)
      return sequenceWaiters.wait(hasReached, seq, withinMs)
    },
    async waitForHead(withinMs) {
      const startedAt = performance.now()
      const found = await readHeadWithin(withinMs)
      if (found === undefined) return false
      const leftMs = withinMs - (performance.now() - startedAt)
      return sequenceWaiters.wait(() => index.position >= found.last, found.last, leftMs)
    },
    waitForCatchUp: (withinMs) => sequenceWaiters.wait(() => isCaughtUp, Infinity, withinMs),
    get state() {
      return { position: index.position, isCaughtUp, lagMs, watchers: watchers.count }
    },
    onRewound() {
      isCaughtUp = false
      attempt.abort()
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

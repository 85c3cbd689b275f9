import { nuid } from '@nats-io/nats-core'
import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { msUntilTick } from '@pixelflow/platform/ticks'
import type { Broker } from '../connection/broker.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { leaderSubject, liveLeader } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

/** Header of a republished message: its sequence in the stream. */
const sequenceHeader = 'Nats-Sequence'
/** How often a leader renews its lease, in milliseconds. */
const renewEveryMs = 1000
/** Pause after a failed renewal, in milliseconds. */
const retryAfterMs = 200
/** Silence after which the role is free. Each process measures it with its own clock. */
const expireAfterMs = 3000
/** Time without a successful renewal after which a leader resigns: before another process may take over. */
const resignAfterMs = 2500

/** What a leader holds: the sequence of its message, and when it began the last write that succeeded, by its own clock. */
interface Lease {
  readonly seq: number
  readonly renewedAt: number
}

/**
 * A role is a subject with one message. A candidate replaces it with compare-and-swap on its sequence, so exactly one
 * succeeds. The others follow the republished renewals, and try when those stop.
 */
export function createLeaderElection(broker: Broker, log: Logger): LeaderElection {
  const me = nuid.next()

  /** Replaces the message with sequence `after`; undefined on a conflict. */
  const compareAndSwap = (
    role: string,
    state: 'held' | 'released',
    after: number,
    timeoutMs = resignAfterMs,
  ): Promise<number | undefined> =>
    publishAfter(broker, leaderSubject(role), after, `${state} ${me}`, { timeoutMs })

  /**
   * Waits until the leader resigns or stops renewing its lease, whose last known sequence is `from`. Returns the sequence to
   * replace; undefined when the signal aborts first.
   */
  const waitUntilFree = async (
    role: string,
    from: number,
    signal: AbortSignal,
  ): Promise<number | undefined> => {
    // An abort before this has no event any more.
    if (signal.aborted) return undefined
    const free = Promise.withResolvers<number | undefined>()
    let seq = from
    // Random, so that not all candidates try at the same moment.
    const silence = setTimeout(() => free.resolve(seq), expireAfterMs + Math.random() * 100)
    const leave = () => free.resolve(undefined)
    const subscription = broker.nc.subscribe(liveLeader(role), {
      callback: (error, msg) => {
        if (error) return
        seq = Number(msg.headers?.get(sequenceHeader))
        if (msg.string().startsWith('released')) free.resolve(seq)
        else silence.refresh()
      },
    })
    signal.addEventListener('abort', leave)
    try {
      return await free.promise
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', leave)
      subscription.unsubscribe()
    }
  }

  /** Renews the lease until that fails or `over` aborts; returns its sequence if this process still holds it. */
  const renewLease = async (role: string, won: Lease, over: AbortSignal): Promise<number | undefined> => {
    let { seq, renewedAt } = won
    let hasFailed = false
    const leftMs = () => Math.max(0, resignAfterMs - (performance.now() - renewedAt))
    for (;;) {
      await pause(Math.min(hasFailed ? retryAfterMs : msUntilTick(renewEveryMs), leftMs()), over)
      if (over.aborted) return seq
      // A process that was frozen ends here, before its work continues.
      if (leftMs() === 0) return undefined
      const begin = performance.now()
      const next = await compareAndSwap(role, 'held', seq, leftMs()).catch(() => seq)
      if (next === undefined) return undefined
      hasFailed = next === seq
      if (!hasFailed) renewedAt = begin
      seq = next
    }
  }

  const leadUntilLost = async (
    role: string,
    won: Lease,
    lead: (lost: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ) => {
    const lost = new AbortController()
    const over = new AbortController()
    const leading = lead(AbortSignal.any([signal, lost.signal]))
      .catch((error: unknown) => log.warn('leader failed', { role, error }))
      .finally(() => over.abort())
    const seq = await renewLease(role, won, over.signal)
    lost.abort()
    await leading
    if (seq !== undefined) await compareAndSwap(role, 'released', seq).catch(() => {})
  }

  return {
    async campaign(role, lead, signal) {
      while (!signal.aborted) {
        try {
          const last = await readFromLeader(broker, streams.leaders, { last_by_subj: leaderSubject(role) })
          const isFree = last === null || new TextDecoder().decode(last.data).startsWith('released')
          const current = last?.seq ?? 0
          const free = isFree ? current : await waitUntilFree(role, current, signal)
          if (free === undefined) return
          const renewedAt = performance.now()
          const seq = await compareAndSwap(role, 'held', free)
          if (seq !== undefined) await leadUntilLost(role, { seq, renewedAt }, lead, signal)
        } catch (error) {
          if (!signal.aborted) log.debug('leader election failed', { role, error })
        }
        await pause(Math.random() * 100, signal)
      }
    },
  }
}

import { nuid } from '@nats-io/nats-core'
import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Broker } from '../connection/broker.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { leaderSubject, liveLeader } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

/** How often a leader renews its lease, in milliseconds. */
const renewEveryMs = 300
/** Silence after which the role is free. Each process measures it with its own clock. */
const expireAfterMs = 1200
/** Time without a successful renewal after which a leader resigns: before another process may take over. */
const resignAfterMs = 900

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

  /** Waits until the leader resigns or stops renewing. False when the signal aborts first. */
  const waitUntilFree = async (role: string, signal: AbortSignal): Promise<boolean> => {
    const free = Promise.withResolvers<boolean>()
    // Random, so that not all candidates try at the same moment.
    const silence = setTimeout(() => free.resolve(true), expireAfterMs + Math.random() * 100)
    const leave = () => free.resolve(false)
    const subscription = broker.nc.subscribe(liveLeader(role), {
      callback: (error, msg) => {
        if (error) return
        if (msg.string().startsWith('released')) free.resolve(true)
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
  const renewLease = async (role: string, from: number, over: AbortSignal): Promise<number | undefined> => {
    let seq = from
    let renewedAt = performance.now()
    while (!over.aborted) {
      await pause(renewEveryMs, over)
      if (over.aborted) break
      const begin = performance.now()
      const leftMs = resignAfterMs - (begin - renewedAt)
      // A process that was frozen ends here, before its work continues.
      if (leftMs <= 0) return undefined
      const next = await compareAndSwap(role, 'held', seq, leftMs).catch(() => seq)
      if (next === undefined) return undefined
      if (next === seq && performance.now() - renewedAt >= resignAfterMs) return undefined
      if (next !== seq) renewedAt = begin
      seq = next
    }
    return seq
  }

  const leadUntilLost = async (
    role: string,
    from: number,
    lead: (lost: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ) => {
    const lost = new AbortController()
    const over = new AbortController()
    const leading = lead(AbortSignal.any([signal, lost.signal]))
      .catch((error: unknown) => log.warn('leader failed', { role, error }))
      .finally(() => over.abort())
    const seq = await renewLease(role, from, over.signal)
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
          if (!isFree && !(await waitUntilFree(role, signal))) return
          const seq = await compareAndSwap(role, 'held', last?.seq ?? 0)
          if (seq !== undefined) await leadUntilLost(role, seq, lead, signal)
        } catch (error) {
          if (!signal.aborted) log.debug('leader election failed', { role, error })
        }
        await pause(Math.random() * 100, signal)
      }
    },
  }
}

import { headers, nuid } from '@nats-io/nats-core'
import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import { JetStreamError, wrongLastSequence, type Broker } from '../connection/broker.ts'
import { publish } from '../jetstream/publish.ts'
import { readFromLeader } from '../jetstream/jetstream-api.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { liveLeader, leaderSubject, streams } from '../topology/topology.ts'

/** How often a holder says that it is still there, in milliseconds. */
const renewEveryMs = 300
/** Silence after which an office is free. Each process measures it by its own clock. */
const vacantAfterMs = 1200
/** Without an answer for so long a holder gives up by itself: before anybody else may think it gone. */
const unsureAfterMs = 900

/**
 * An office is a subject with one message, replaced under the sequence of the one before: of all who try, one succeeds.
 * Whoever does not hold it listens to the repeated renewals, and tries when there are none.
 */
export function createLeaderElection(broker: Broker, log: Logger): LeaderElection {
  const me = nuid.next()

  /** Replaces what stands at `after`. Undefined when somebody else was faster. */
  const claim = async (
    office: string,
    word: 'held' | 'vacant',
    after: number,
    timeoutMs = unsureAfterMs,
  ): Promise<number | undefined> => {
    const fence = headers()
    fence.set('Nats-Expected-Last-Subject-Sequence', String(after))
    try {
      return await publish(broker, leaderSubject(office), `${word} ${me}`, { headers: fence, timeoutMs })
    } catch (thrown) {
      if (thrown instanceof JetStreamError && thrown.code === wrongLastSequence) return undefined
      throw thrown
    }
  }

  /** Waits until nobody has spoken for the office for a while. False when the signal came first. */
  const vacancy = async (office: string, signal: AbortSignal): Promise<boolean> => {
    const free = Promise.withResolvers<boolean>()
    // Not all at the same moment.
    const silence = setTimeout(() => free.resolve(true), vacantAfterMs + Math.random() * 100)
    const leave = () => free.resolve(false)
    const subscription = broker.nc.subscribe(liveLeader(office), {
      callback: (error, msg) => {
        if (error) return
        if (msg.string().startsWith('vacant')) free.resolve(true)
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

  /** Renews until it cannot, or `over` aborts; returns the sequence that stands for us, if one may. */
  const keep = async (office: string, from: number, over: AbortSignal): Promise<number | undefined> => {
    let seq = from
    let renewedAt = performance.now()
    while (!over.aborted) {
      await pause(renewEveryMs, over)
      if (over.aborted) break
      const asked = performance.now()
      const leftMs = unsureAfterMs - (asked - renewedAt)
      // Also how a process that was frozen finds out, before it goes on in office.
      if (leftMs <= 0) return undefined
      const next = await claim(office, 'held', seq, leftMs).catch(() => seq)
      if (next === undefined) return undefined
      if (next === seq && performance.now() - renewedAt >= unsureAfterMs) return undefined
      if (next !== seq) renewedAt = asked
      seq = next
    }
    return seq
  }

  const hold = async (
    office: string,
    from: number,
    lead: (lost: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ) => {
    const lost = new AbortController()
    const over = new AbortController()
    const leading = lead(AbortSignal.any([signal, lost.signal]))
      .catch((error: unknown) => log.warn('office left', { office, error }))
      .finally(() => over.abort())
    const seq = await keep(office, from, over.signal)
    lost.abort()
    await leading
    if (seq !== undefined) await claim(office, 'vacant', seq).catch(() => {})
  }

  return {
    async campaign(office, lead, signal) {
      while (!signal.aborted) {
        try {
          const last = await readFromLeader(broker, streams.offices, { last_by_subj: leaderSubject(office) })
          const isFree = last === null || new TextDecoder().decode(last.data).startsWith('vacant')
          if (!isFree && !(await vacancy(office, signal))) return
          const seq = await claim(office, 'held', last?.seq ?? 0)
          if (seq !== undefined) await hold(office, seq, lead, signal)
        } catch (error) {
          if (!signal.aborted) log.debug('office not reached', { office, error })
        }
        await pause(Math.random() * 100, signal)
      }
    },
  }
}

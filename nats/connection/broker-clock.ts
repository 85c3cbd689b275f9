import type { Clock } from '@pixelflow/core/ports/clock'
import { onTick } from '@pixelflow/platform/ticks'
import type { Broker } from './broker.ts'
import { leaderTime, readStreamInfo } from '../jetstream/read-stream-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { streams } from '../topology/streams.ts'

/** How often the broker's time is read. In between, this process's monotonic clock continues from it. */
const syncEveryMs = 10_000

export interface BrokerClock extends Clock, Disposable {}

/** Starts a clock with the broker's time. Resolves after the first synchronisation. */
export async function startBrokerClock(broker: Broker): Promise<BrokerClock> {
  /** The offset from the monotonic clock. */
  let offsetMs = Number.NEGATIVE_INFINITY

  const sync = async () => {
    const requestedAt = performance.now()
    const brokerMs = leaderTime(await readStreamInfo(broker, streams.events))
    const answeredAt = performance.now()
    // The broker read its clock between the two moments. An offset within these limits stays, so that a slow answer does not
    // move the clock. The first offset may be late, which makes young messages look younger.
    offsetMs = Math.min(brokerMs - requestedAt, Math.max(brokerMs - answeredAt, offsetMs))
  }
  const syncAgain = () => void sync().catch(() => {})

  await retryUnreachable(sync)
  const ticks = onTick(syncEveryMs, syncAgain)
  // After a reconnect another server may answer, with another time.
  const stopListening = broker.onReconnect(syncAgain)
  return {
    now: () => performance.now() + offsetMs,
    [Symbol.dispose]() {
      ticks[Symbol.dispose]()
      stopListening()
    },
  }
}

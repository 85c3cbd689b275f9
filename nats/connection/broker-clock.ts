import type { Clock } from '@pixelflow/core/ports/clock'
import type { Broker } from './broker.ts'
import { leaderTime, streamInfo } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { streams } from '../topology/topology.ts'

/** How often the broker is asked for its time. Between two answers this process's monotonic clock goes on from it. */
const askEveryMs = 10_000

export interface BrokerClock extends Clock, Disposable {}

/** A clock that shows the broker's time. Resolves when the broker has told its time once. */
export async function startBrokerClock(broker: Broker): Promise<BrokerClock> {
  /** What has to be added to the monotonic clock. */
  let offsetMs = Number.NEGATIVE_INFINITY

  const ask = async () => {
    const askedAt = performance.now()
    const toldMs = leaderTime(await streamInfo(broker, streams.events))
    const answeredAt = performance.now()
    // The broker looked at its clock at some moment between the two. Within these limits what is known stays, so that a
    // slow answer spoils nothing; at the beginning the clock is rather behind: then what is young looks even younger.
    offsetMs = Math.min(toldMs - askedAt, Math.max(toldMs - answeredAt, offsetMs))
  }
  const askAgain = () => void ask().catch(() => {})

  await retryUnreachable(ask)
  const timer = setInterval(askAgain, askEveryMs)
  timer.unref()
  // The next broker may have another time.
  const stopUp = broker.onReconnect(askAgain)
  return {
    now: () => performance.now() + offsetMs,
    [Symbol.dispose]() {
      clearInterval(timer)
      stopUp()
    },
  }
}

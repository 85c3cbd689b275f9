import type { Lane } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from './delivery.ts'
import { pull, type Pull, type PullRequest } from './pull.ts'

/** Where those who found no job wait for the next one, whichever lane it comes from. */
export interface PullMultiplexer {
  /** The next delivery; undefined when the signal aborts first. Served in the order of arrival. */
  wait(signal: AbortSignal): Promise<Delivery | undefined>
  /** A delivery that nobody asked for any more: it goes to whoever waits, or back to the broker at once. */
  passOn(delivery: Delivery): void
}

/**
 * One open request a lane serves all who wait in this process. Two lanes may each deliver while only one caller is
 * left; requests are withdrawn when nobody waits, so this is rare, and the surplus is given back at once.
 */
export function createPullMultiplexer(
  broker: Broker,
  requests: ReadonlyMap<Lane, PullRequest>,
): PullMultiplexer {
  const waiting: ((delivery: Delivery) => void)[] = []
  const open = new Map<Lane, Pull>()

  const passOn = (delivery: Delivery) => {
    const first = waiting.shift()
    if (first) first(delivery)
    else delivery.nak(0)
    if (waiting.length === 0) withdraw()
  }
  const withdraw = () => {
    for (const one of open.values()) void one.retract()
  }
  const keepAsking = async (lane: Lane, request: PullRequest) => {
    while (waiting.length > 0) {
      const one = pull(broker, request, passOn)
      open.set(lane, one)
      const end = await one.ended
      if (end === 'lost' || end === 'refused') await waitForBroker(broker)
    }
    open.delete(lane)
  }
  const ask = () => {
    for (const [lane, request] of requests) {
      if (open.has(lane)) continue
      keepAsking(lane, request).catch(() => open.delete(lane))
    }
  }

  return {
    wait(signal) {
      if (signal.aborted) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const leave = () => {
          waiting.splice(waiting.indexOf(serve), 1)
          if (waiting.length === 0) withdraw()
          resolve(undefined)
        }
        const serve = (delivery: Delivery) => {
          signal.removeEventListener('abort', leave)
          resolve(delivery)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(serve)
        ask()
      })
    },
    passOn,
  }
}

/** After a request that the broker did not serve: waits until it is back, and a little in any case. */
export async function waitForBroker(broker: Broker, signal?: AbortSignal): Promise<void> {
  await pause(100, signal)
  for (;;) {
    if (broker.isConnected || broker.nc.isClosed() || signal?.aborted) return
    await broker.waitUntilConnected(1000).catch(() => {})
  }
}

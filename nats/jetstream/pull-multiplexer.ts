import type { Lane } from '@pixelflow/core/job'
import type { Broker } from '../connection/broker.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'
import type { Delivery } from './delivery.ts'
import { pull, type Pull, type PullRequest } from './pull.ts'

/** Lets any number of callers wait for the next delivery of several consumers. */
export interface PullMultiplexer {
  /** The next delivery; undefined when the signal aborts first. Callers are served in order. */
  next(signal: AbortSignal): Promise<Delivery | undefined>
  /** Hands a surplus delivery to a waiting caller, or back to the broker. */
  redirect(delivery: Delivery): void
}

/**
 * Keeps one pull request per lane open while callers wait. Two lanes may both deliver when only one caller is left; the
 * surplus is returned at once, and requests are withdrawn when no caller waits, so this is rare.
 */
export function createPullMultiplexer(
  broker: Broker,
  requests: ReadonlyMap<Lane, PullRequest>,
): PullMultiplexer {
  const callers: ((delivery: Delivery) => void)[] = []
  const open = new Map<Lane, Pull>()

  const redirect = (delivery: Delivery) => {
    const first = callers.shift()
    if (first) first(delivery)
    else delivery.nak(0)
    if (callers.length === 0) withdraw()
  }
  const withdraw = () => {
    for (const one of open.values()) void one.withdraw()
  }
  const keepPulling = async (lane: Lane, request: PullRequest) => {
    while (callers.length > 0) {
      const one = pull(broker, request, redirect)
      open.set(lane, one)
      const end = await one.ended
      if (end === 'disconnected' || end === 'refused') await waitForBroker(broker)
    }
    open.delete(lane)
  }
  const openPulls = () => {
    for (const [lane, request] of requests) {
      if (open.has(lane)) continue
      keepPulling(lane, request).catch(() => open.delete(lane))
    }
  }

  return {
    next(signal) {
      if (signal.aborted) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const leave = () => {
          callers.splice(callers.indexOf(serve), 1)
          if (callers.length === 0) withdraw()
          resolve(undefined)
        }
        const serve = (delivery: Delivery) => {
          signal.removeEventListener('abort', leave)
          resolve(delivery)
        }
        signal.addEventListener('abort', leave, { once: true })
        callers.push(serve)
        openPulls()
      })
    },
    redirect,
  }
}

import type { Broker } from '../connection/broker.ts'
import { inboxPoolOf } from '../connection/inbox-pool.ts'
import { parseDelivery, type Delivery } from './delivery.ts'

export interface PullRequest {
  readonly stream: string
  readonly consumer: string
  /** The number of messages at most. */
  readonly batch: number
  /** How long the broker keeps the request open; 0: it answers with the messages that exist now. */
  readonly expiresMs: number
  /** How often the broker confirms that it still holds the request, in milliseconds; 2 s by default. */
  readonly heartbeatMs?: number
}

/**
 * How a pull ended: `filled` with the whole batch, `expired` with fewer messages, `disconnected` from the broker, or
 * `refused` by it.
 */
export type PullEnd = 'filled' | 'expired' | 'disconnected' | 'refused'

export interface Pull {
  readonly ended: Promise<PullEnd>
  /** Withdraws the request. Messages in flight still arrive; none does after this resolves. */
  withdraw(): Promise<void>
}

const defaultHeartbeatMs = 2000

/**
 * One pull request to a durable consumer. Written by hand because `fetch` and `next` of @nats-io/jetstream either wait a
 * second on an empty consumer, or keep a message that arrives after their caller has left. No upstream issue is known.
 * Remove it when the library passes two tests of `testkit/contracts/queue.ts`: "a caller that stops waiting takes no job
 * with it" and "a waiting caller gets a new job at once, from any lane".
 */
export function pull(broker: Broker, request: PullRequest, deliver: (delivery: Delivery) => void): Pull {
  const { stream, consumer, batch, expiresMs, heartbeatMs = defaultHeartbeatMs } = request
  const ended = Promise.withResolvers<PullEnd>()
  const hasHeartbeat = expiresMs >= 2 * heartbeatMs
  let left = batch
  let withdrawn: Promise<void> | undefined

  const inboxPool = inboxPoolOf(broker)
  const inbox = inboxPool.acquire((message) => {
    timeout.refresh()
    const delivery = parseDelivery(broker, message)
    if (delivery) {
      left--
      deliver(delivery)
      if (left === 0) end('filled')
      return
    }
    const { code } = message.status
    if (code === 404 || code === 408) end('expired')
    // 503 and 409: no leader, no such consumer, too many requests, server shutting down. 100 is a heartbeat.
    else if (code !== 100) end('refused')
  })
  let isOver = false
  const end = (how: PullEnd) => {
    if (isOver) return
    isOver = true
    clearTimeout(timeout)
    stopListening()
    // The broker sends nothing more to a request that it has answered in full, so the inbox can be reused.
    if (withdrawn === undefined) inboxPool.release(inbox, how === 'filled' || how === 'expired')
    ended.resolve(how)
  }
  const timeout = setTimeout(() => end('disconnected'), hasHeartbeat ? 2.5 * heartbeatMs : expiresMs + 5000)
  const stopListening = broker.onDisconnect(() => end('disconnected'))
  if (!broker.isConnected) end('disconnected')
  const nanos = (ms: number) => ms * 1e6
  const options = {
    batch,
    ...(expiresMs === 0 ? { no_wait: true } : { expires: nanos(expiresMs) }),
    ...(hasHeartbeat ? { idle_heartbeat: nanos(heartbeatMs) } : {}),
  }
  broker.wire.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(options), {
    reply: inbox.subscription.getSubject(),
  })

  return {
    ended: ended.promise,
    withdraw() {
      // Draining removes the interest in the inbox, which withdraws the request, and delivers messages in flight.
      withdrawn ??= isOver ? Promise.resolve() : inbox.subscription.drain().catch(() => {})
      return withdrawn.finally(() => end('expired'))
    },
  }
}

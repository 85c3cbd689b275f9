import type { Broker } from '../connection/broker.ts'
import { parseDelivery, type Delivery } from './delivery.ts'
import { inboxPoolOf } from '../connection/inbox-pool.ts'

export interface PullRequest {
  readonly stream: string
  readonly consumer: string
  /** So many messages at most. */
  readonly batch: number
  /** How long the broker keeps the request open; 0: it answers with what there is. */
  readonly expiresMs: number
}

/**
 * How a pull ended: `filled` with all that was asked for, `empty` because there was no more in time, `lost` because
 * the broker went away, `refused` because it would not serve the request.
 */
export type PullEnd = 'filled' | 'empty' | 'lost' | 'refused'

export interface Pull {
  readonly ended: Promise<PullEnd>
  /**
   * Takes the request back. What was under way still arrives; once this resolves nothing more will.
   */
  retract(): Promise<void>
}

const heartbeatMs = 2000

/**
 * One request for messages of a durable consumer. This is done on the wire because the client library's own `fetch`
 * and `next` either wait a second on an empty consumer or keep a message that arrives when nobody wants it any more.
 */
export function pull(broker: Broker, request: PullRequest, deliver: (delivery: Delivery) => void): Pull {
  const { stream, consumer, batch, expiresMs } = request
  const ended = Promise.withResolvers<PullEnd>()
  const waits = expiresMs >= 2 * heartbeatMs
  let left = batch
  let retracted: Promise<void> | undefined

  const inboxes = inboxPoolOf(broker)
  const inbox = inboxes.take((error, msg) => {
    silence.refresh()
    if (error) return end('lost')
    const delivery = parseDelivery(broker, msg)
    if (delivery) {
      left--
      deliver(delivery)
      if (left === 0) end('filled')
      return
    }
    const code = msg.headers?.code
    if (code === 404 || code === 408) end('empty')
    // 503 and 409: no leader, no such consumer, too many requests, server going down. 100 is a heartbeat.
    else if (code !== 100) end('refused')
  })
  let isOver = false
  const end = (how: PullEnd) => {
    if (isOver) return
    isOver = true
    clearTimeout(silence)
    stopListening()
    // What the broker has answered in full it will not answer again: that inbox is free for the next request.
    if (retracted === undefined) inboxes.give(inbox, how === 'filled' || how === 'empty')
    ended.resolve(how)
  }
  const silence = setTimeout(() => end('lost'), waits ? 2.5 * heartbeatMs : expiresMs + 5000)
  const stopListening = broker.onDisconnect(() => end('lost'))
  if (!broker.isConnected) end('lost')
  const nanos = (ms: number) => ms * 1e6
  const ask = {
    batch,
    ...(expiresMs === 0 ? { no_wait: true } : { expires: nanos(expiresMs) }),
    ...(waits ? { idle_heartbeat: nanos(heartbeatMs) } : {}),
  }
  broker.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(ask), {
    reply: inbox.subscription.getSubject(),
  })

  return {
    ended: ended.promise,
    retract() {
      // Draining ends the interest in the inbox, which withdraws the request, and delivers what was already sent.
      retracted ??= isOver ? Promise.resolve() : inbox.subscription.drain().catch(() => {})
      return retracted.finally(() => end('empty'))
    },
  }
}

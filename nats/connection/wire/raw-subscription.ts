import type { NatsConnection } from '@nats-io/nats-core'
import type { OnRawMessage } from './splitter.ts'
import { wireOf } from './wire.ts'

/** A subscription, and a publisher, whose payloads are not copied between here and the socket. */
export interface RawSubscription extends Disposable {
  /**
   * Publishes a message given in chunks; messages arrive in order. The chunks must not be changed afterwards. The message
   * is lost while the connection is down.
   */
  publish(subject: string, chunks: readonly Uint8Array[], reply?: string): void
}

/** Subscribes to a subject, which may have wildcards, until the subscription is disposed of. */
export function openRawSubscription(
  nc: NatsConnection,
  subject: string,
  onMessage: OnRawMessage,
): RawSubscription {
  const wire = wireOf(nc)
  const subscription = wire.subscribe(subject, onMessage)
  return {
    publish(to, chunks, reply = '') {
      wire.publish(to, chunks, { reply })
    },
    [Symbol.dispose]() {
      subscription.unsubscribe()
    },
  }
}

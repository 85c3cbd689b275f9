import { createInbox, type Subscription } from '@nats-io/nats-core'
import type { Broker } from './broker.ts'
import type { OnRawMessage } from './wire/splitter.ts'

/** A reply subject with a subscription, for one request at a time. */
export interface Inbox {
  readonly subscription: Subscription
  onMessage: OnRawMessage
}

/** Reuses inboxes: subscribing and unsubscribing for each request would cost as much as the request. */
export interface InboxPool {
  acquire(onMessage: OnRawMessage): Inbox
  /** Returns an inbox; unsubscribes it when the broker may still send to it. */
  release(inbox: Inbox, mayReuse: boolean): void
}

const maxSpare = 32
const pools = new WeakMap<Broker, InboxPool>()

/** The pool of a connection. */
export function inboxPoolOf(broker: Broker): InboxPool {
  const pool = pools.get(broker) ?? createInboxPool(broker)
  pools.set(broker, pool)
  return pool
}

function createInboxPool({ wire }: Broker): InboxPool {
  const spare: Inbox[] = []

  const open = (onMessage: OnRawMessage): Inbox => {
    const inbox: Inbox = {
      onMessage,
      subscription: wire.subscribe(createInbox(), (message) => inbox.onMessage(message)),
    }
    return inbox
  }

  return {
    acquire(onMessage) {
      for (let inbox = spare.pop(); inbox !== undefined; inbox = spare.pop()) {
        if (inbox.subscription.isClosed()) continue
        inbox.onMessage = onMessage
        return inbox
      }
      return open(onMessage)
    },
    release(inbox, mayReuse) {
      inbox.onMessage = () => {}
      if (mayReuse && spare.length < maxSpare) spare.push(inbox)
      else inbox.subscription.unsubscribe()
    },
  }
}

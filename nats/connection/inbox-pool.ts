import { createInbox, type Msg, type Subscription } from '@nats-io/nats-core'
import type { Broker } from './broker.ts'

type Hear = (error: Error | null, msg: Msg) => void

/** A subscription of its own for one request at a time. */
export interface Inbox {
  readonly subscription: Subscription
  hear: Hear
}

/** Inboxes that are used again and again: a subscription and its end for each request cost as much as the request. */
export interface InboxPool {
  take(hear: Hear): Inbox
  /** Gives one back; one that may still be written to is closed instead. */
  give(inbox: Inbox, mayReuse: boolean): void
}

const mostSpare = 32
const known = new WeakMap<Broker, InboxPool>()

/** Those of one connection. */
export function inboxPoolOf(broker: Broker): InboxPool {
  const there = known.get(broker)
  if (there !== undefined) return there
  const made = createInboxPool(broker)
  known.set(broker, made)
  return made
}

function createInboxPool({ nc }: Broker): InboxPool {
  const spare: Inbox[] = []

  const open = (hear: Hear): Inbox => {
    const inbox: Inbox = {
      hear,
      subscription: nc.subscribe(createInbox(), { callback: (error, msg) => inbox.hear(error, msg) }),
    }
    return inbox
  }

  return {
    take(hear) {
      for (let inbox = spare.pop(); inbox !== undefined; inbox = spare.pop()) {
        if (inbox.subscription.isClosed()) continue
        inbox.hear = hear
        return inbox
      }
      return open(hear)
    },
    give(inbox, mayReuse) {
      inbox.hear = () => {}
      if (mayReuse && spare.length < mostSpare) spare.push(inbox)
      else inbox.subscription.unsubscribe()
    },
  }
}

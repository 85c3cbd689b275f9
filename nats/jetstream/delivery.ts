import type { Msg } from '@nats-io/nats-core'
import type { Broker } from '../connection/broker.ts'

/** A message that a consumer gave to us, to be settled by one of the verbs. */
export interface Delivery {
  readonly subject: string
  /** Which delivery of this message it is, from 1. */
  readonly attempt: number
  /** When the broker stored the message. */
  readonly at: Date
  readonly data: Uint8Array
  header(name: string): string | undefined
  /** Settled; a lost acknowledgement shows as another delivery. */
  ack(): void
  /** Settled, and the broker has said so. @throws Unreachable when it does not within 2 s. */
  confirm(): Promise<void>
  /** Gives it back, to be delivered again after `delayMs`. */
  nak(delayMs: number): void
  /** A sign of life: starts the time to settle anew. */
  extend(): void
}

const confirmTimeoutMs = 2000

/** What a pull brought, if it is a message with an address to settle it at. */
export function parseDelivery(broker: Broker, msg: Msg): Delivery | undefined {
  const { reply, subject, headers } = msg
  const place = placeOf(reply)
  if (reply === undefined || place === undefined) return undefined
  const say = (word: string) => {
    if (!broker.nc.isClosed()) broker.nc.publish(reply, word)
  }
  return {
    subject,
    ...place,
    data: msg.data,
    header: (name) => headers?.get(name) || undefined,
    ack: () => say('+ACK'),
    async confirm() {
      await broker.request(reply, '+ACK', { timeoutMs: confirmTimeoutMs })
    },
    nak: (delayMs) => say(delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK'),
    extend: () => say('+WPI'),
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.…`, with `<domain>.<account>` before the stream in newer servers. */
function placeOf(reply: string | undefined): { attempt: number; at: Date } | undefined {
  const tokens = reply?.split('.') ?? []
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined
  const first = tokens.length === 9 ? 4 : 6
  return { attempt: Number(tokens[first]), at: new Date(Number(tokens[first + 3]) / 1e6) }
}

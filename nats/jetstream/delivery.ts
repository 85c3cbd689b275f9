import type { Broker } from '../connection/broker.ts'
import { parseHeaders } from '../connection/wire/parse-headers.ts'
import type { RawMessage } from '../connection/wire/raw-message.ts'

/** A message that a consumer has delivered; exactly one of `ack`, `confirm` and `nak` settles it. */
export interface Delivery {
  readonly subject: string
  /** How often the message was delivered, this delivery included. */
  readonly deliveryCount: number
  /** When the broker stored the message. */
  readonly at: Date
  readonly data: Uint8Array
  header(name: string): string | undefined
  /** Acknowledges without waiting; if the acknowledgement is lost, the message is delivered again. */
  ack(): void
  /** Acknowledges and waits for the broker's confirmation (double ack). @throws Unreachable after 2 s. */
  confirm(): Promise<void>
  /** Rejects the message; it is delivered again after `delayMs`. */
  nak(delayMs: number): void
  /** Resets the ack wait (`+WPI`, work in progress). */
  extend(): void
}

const confirmTimeoutMs = 2000

/** Parses a pulled message; undefined for status messages, which have no ack subject. */
export function parseDelivery(broker: Broker, message: RawMessage): Delivery | undefined {
  const { reply, subject, headerBlock } = message
  const metadata = parseAckSubject(reply)
  if (metadata === undefined) return undefined
  const settle = (verb: string) => broker.wire.publish(reply, verb)
  return {
    subject,
    ...metadata,
    get data() {
      return message.data
    },
    header: (name) => parseHeaders(headerBlock)(name),
    ack: () => settle('+ACK'),
    async confirm() {
      await broker.request(reply, '+ACK', { timeoutMs: confirmTimeoutMs })
    },
    nak: (delayMs) => settle(delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK'),
    extend: () => settle('+WPI'),
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.…`, with `<domain>.<account>` before the stream in newer servers. */
function parseAckSubject(reply: string): { deliveryCount: number; at: Date } | undefined {
  const tokens = reply.split('.')
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined
  const first = tokens.length === 9 ? 4 : 6
  return { deliveryCount: Number(tokens[first]), at: new Date(Number(tokens[first + 3]) / 1e6) }
}

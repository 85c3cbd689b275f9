import type { NatsConnection } from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { RawMessage } from './splitter.ts'
import { WireTransport } from './wire-transport.ts'

/** Messages to and from plain subjects, in parts that are not copied on the way between here and the socket. */
export interface RawSubscription extends Disposable {
  /**
   * Publishes a message; what is said here arrives in order. None of its parts may be changed afterwards. It is lost
   * when the connection is away.
   */
  say(subject: string, parts: readonly Uint8Array[], reply?: string): void
}

/** Parts shorter than this are put together: a copy costs less than another way into the kernel. */
const worthOwnWrite = 16 * 1024
/** Of a long last part so much goes with the end of line. */
const tailBytes = 512
const crlf = Buffer.from('\r\n')
const noHead = Buffer.alloc(0)

/** Hears one subject, wildcards and all, until it is disposed of. */
export function openRawSubscription(nc: NatsConnection, subject: string, hear: (message: RawMessage) => void): RawSubscription {
  // The library subscribes anew after a break, and hears until that connection is listened in on.
  const subscription = nc.subscribe(subject, {
    callback: (error, msg) => {
      if (error) return
      const code = msg.headers?.code ?? 0
      const head = code === 0 ? noHead : Buffer.from(`NATS/1.0 ${code}\r\n\r\n`)
      hear({ subject: msg.subject, head, parts: [Buffer.from(msg.data)] })
      listenIn()
    },
  })
  let known: WireTransport | undefined
  const listenIn = (): WireTransport => {
    // Made anew by each reconnect.
    const { transport } = (nc as NatsConnectionImpl).protocol
    if (transport === known) return known
    if (!(transport instanceof WireTransport)) throw new Error('the connection was dialled without its wire')
    transport.splitter.divert(subscription.getID(), hear)
    known = transport
    return transport
  }
  listenIn()

  return {
    say(to, parts, reply = '') {
      if (nc.isClosed()) return
      const wire = listenIn()
      for (const one of command(`PUB ${to} ${reply}${reply && ' '}${totalLength(parts)}\r\n`, parts))
        wire.write(one)
    },
    [Symbol.dispose]() {
      subscription.unsubscribe()
    },
  }
}

/** A whole command, in as few writes as is cheap. */
function command(line: string, parts: readonly Uint8Array[]): Uint8Array[] {
  const writes: Uint8Array[] = []
  let small: Uint8Array[] = [Buffer.from(line, 'latin1')]
  for (const part of parts) {
    if (part.length < worthOwnWrite) {
      small.push(part)
      continue
    }
    if (small.length > 0) writes.push(Buffer.concat(small))
    writes.push(part.subarray(0, part.length - tailBytes))
    small = [part.subarray(part.length - tailBytes)]
  }
  writes.push(Buffer.concat([...small, crlf]))
  return writes
}

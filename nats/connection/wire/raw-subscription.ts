import type { NatsConnection } from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { RawMessage } from './splitter.ts'
import { WireTransport } from './wire-transport.ts'

/** A subscription, and a publisher, whose payloads are not copied between here and the socket. */
export interface RawSubscription extends Disposable {
  /**
   * Publishes a message given in chunks; messages arrive in order. The chunks must not be changed afterwards. The message
   * is lost while the connection is down.
   */
  publish(subject: string, chunks: readonly Uint8Array[], reply?: string): void
}

/** Shorter chunks are copied together: that costs less than a write of their own. */
const minSeparateBytes = 16 * 1024
/** The last bytes of a long chunk that are written together with the line end. */
const tailBytes = 512
const crlf = Buffer.from('\r\n')
const noHeaders = Buffer.alloc(0)

/** Subscribes to a subject, which may have wildcards, until the subscription is disposed of. */
export function openRawSubscription(
  nc: NatsConnection,
  subject: string,
  onMessage: (message: RawMessage) => void,
): RawSubscription {
  // After a reconnect the library subscribes again, and its callback gets the messages until the new transport is
  // intercepted.
  const subscription = nc.subscribe(subject, {
    callback: (error, msg) => {
      if (error) return
      const code = msg.headers?.code ?? 0
      const headerBlock = code === 0 ? noHeaders : Buffer.from(`NATS/1.0 ${code}\r\n\r\n`)
      onMessage({ subject: msg.subject, headerBlock, chunks: [Buffer.from(msg.data)] })
      interceptMessages()
    },
  })
  let known: WireTransport | undefined
  /** The current transport; each reconnect creates a new one. */
  const interceptMessages = (): WireTransport => {
    const { transport } = (nc as NatsConnectionImpl).protocol
    if (transport === known) return known
    if (!(transport instanceof WireTransport)) throw new Error('the connection does not use WireTransport')
    transport.splitter.intercept(subscription.getID(), onMessage)
    known = transport
    return transport
  }
  interceptMessages()

  return {
    publish(to, chunks, reply = '') {
      if (nc.isClosed()) return
      const transport = interceptMessages()
      const command = `PUB ${to} ${reply}${reply && ' '}${totalLength(chunks)}\r\n`
      for (const one of writesOf(command, chunks)) transport.write(one)
    },
    [Symbol.dispose]() {
      subscription.unsubscribe()
    },
  }
}

/** A whole command, in as few writes as are cheap. */
function writesOf(command: string, chunks: readonly Uint8Array[]): Uint8Array[] {
  const writes: Uint8Array[] = []
  let small: Uint8Array[] = [Buffer.from(command, 'latin1')]
  for (const chunk of chunks) {
    if (chunk.length < minSeparateBytes) {
      small.push(chunk)
      continue
    }
    if (small.length > 0) writes.push(Buffer.concat(small))
    writes.push(chunk.subarray(0, chunk.length - tailBytes))
    small = [chunk.subarray(chunk.length - tailBytes)]
  }
  writes.push(Buffer.concat([...small, crlf]))
  return writes
}

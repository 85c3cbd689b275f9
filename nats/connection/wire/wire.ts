import {
  InvalidArgumentError,
  InvalidSubjectError,
  type NatsConnection,
  type Subscription,
} from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import type { OnRawMessage } from './splitter.ts'
import type { WireTransport, WireConnectionOptions } from './wire-transport.ts'

export type Payload = Uint8Array | string | readonly Uint8Array[]

export interface WirePublishOptions {
  /** Subject for the answer. */
  readonly reply?: string
  /** See `encodeHeaders`. */
  readonly headers?: Uint8Array | string
}

/** Publishes and subscribes past the client library, without copying payloads. */
export interface Wire {
  /**
   * Publishes a message; messages arrive in order. Bytes must not be changed afterwards. The message is lost while the
   * connection is down.
   * @throws InvalidSubjectError for a subject with spaces, InvalidArgumentError for more bytes than the server accepts.
   */
  publish(subject: string, payload: Payload, options?: WirePublishOptions): void
  /** Writes a whole command, like `publish`. */
  write(command: Uint8Array): void
  /**
   * Subscribes to a subject, which may have wildcards; again after a reconnect. `onError` is called when the server refuses
   * the subscription.
   */
  subscribe(subject: string, onMessage: OnRawMessage, onError?: (thrown: Error) => void): Subscription
}

const space = /\s/
const wires = new WeakMap<NatsConnection, Wire>()

/** The wire of a connection that uses `WireTransport`. */
export function wireOf(nc: NatsConnection): Wire {
  const wire = wires.get(nc) ?? openWire(nc as NatsConnectionImpl)
  wires.set(nc, wire)
  return wire
}

function openWire(nc: NatsConnectionImpl): Wire {
  const { protocol } = nc
  const { interceptions } = nc.options as WireConnectionOptions

  /** The current transport; undefined while the connection is down. */
  const findTransport = (): WireTransport | undefined => {
    if (!protocol.connected) return undefined
    // Earlier commands of the library, such as the subscription that a request depends on, go first.
    if (protocol.outbound.size() > 0) protocol['flushPending']()
    return protocol.transport as WireTransport
  }

  return {
    publish(subject, payload, { reply = '', headers = '' } = {}) {
      const to = reply === '' ? subject : `${subject} ${reply}`
      const content = typeof payload === 'string' ? toWireText(payload) : payload
      const bytes = headers.length + lengthOf(content)
      // Both would end the connection.
      if (space.test(subject)) throw new InvalidSubjectError(subject)
      if (bytes > (protocol.info?.max_payload ?? Infinity)) {
        throw InvalidArgumentError.format('payload', 'max_payload size exceeded')
      }
      const transport = findTransport()
      if (transport === undefined) return
      const command = headers === '' ? `PUB ${to} ${bytes}\r\n` : `HPUB ${to} ${headers.length} ${bytes}\r\n`
      if (typeof headers === 'string' && typeof content === 'string') {
        return transport.write(`${command}${headers}${content}\r\n`)
      }
      transport.write(command)
      if (headers !== '') transport.write(headers)
      if (typeof content === 'string' || content instanceof Uint8Array) transport.write(content)
      else for (const chunk of content) transport.write(chunk)
      transport.write('\r\n')
    },
    write(command) {
      findTransport()?.write(command)
    },
    subscribe(subject, onMessage, onError = () => {}) {
      const subscription = nc.subscribe(subject, {
        callback: (error) => {
          if (error) onError(error)
        },
      })
      const sid = subscription.getID()
      interceptions.set(sid, onMessage)
      const forget = () => void interceptions.delete(sid)
      subscription.closed.then(forget, forget)
      return subscription
    },
  }
}

/** Text as it is written: ASCII stays a string. */
export function toWireText(text: string): Uint8Array | string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text)
}

function lengthOf(payload: Payload): number {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload.length
  let bytes = 0
  for (const chunk of payload) bytes += chunk.length
  return bytes
}

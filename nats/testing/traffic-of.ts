import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import type { Broker } from '../connection/broker.ts'
import type { WireTransport } from '../connection/wire/wire-transport.ts'

/** Bytes that a connection has sent and received, counted by its socket: the library sees only a part of them. */
export function trafficOf({ nc }: Broker): { readonly sent: number; readonly received: number } {
  const { socket } = (nc as NatsConnectionImpl).protocol.transport as WireTransport & {
    readonly socket: { readonly bytesWritten: number; readonly bytesRead: number }
  }
  return { sent: socket.bytesWritten, received: socket.bytesRead }
}

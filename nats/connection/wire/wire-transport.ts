import { setTransportFactory } from '@nats-io/nats-core/internal'
import { nodeResolveHost, NodeTransport } from '@nats-io/transport-node/lib/node_transport.js'
import { createSplitter } from './splitter.ts'

/**
 * The transport of the client library with a bypass for payloads: whole commands are written past the library's buffers,
 * and incoming messages are intercepted before its parser copies them. Connecting, credentials, TLS, heartbeats and
 * reconnecting stay with the library.
 */
export class WireTransport extends NodeTransport {
  readonly splitter = createSplitter()

  override async *iterate(): AsyncIterableIterator<Uint8Array> {
    for await (const frame of super.iterate()) yield* this.splitter.push(frame)
  }

  /** Writes one whole command. The library also writes whole commands only, so the two do not mix. */
  write(command: Uint8Array): void {
    this.socket.write(command)
  }
}

/** Makes all new connections use this transport. */
export function useWireTransport(): void {
  setTransportFactory({ factory: () => new WireTransport(), dnsResolveFn: nodeResolveHost })
}

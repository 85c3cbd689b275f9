import { setTransportFactory } from '@nats-io/nats-core/internal'
import { nodeResolveHost, NodeTransport } from '@nats-io/transport-node/lib/node_transport.js'
import { createSplitter } from './splitter.ts'

/**
 * The client library's own way to the server, and beside it one for bytes: whole commands can be written past the
 * library's buffers, and messages can be taken out of what comes before its parser copies them. Dialling, credentials,
 * TLS, heartbeats and reconnecting stay the library's.
 */
export class WireTransport extends NodeTransport {
  readonly splitter = createSplitter()

  override async *iterate(): AsyncIterableIterator<Uint8Array> {
    for await (const frame of super.iterate()) yield* this.splitter.push(frame)
  }

  /** Writes one whole command; the library writes none but whole ones, so the two never mix. */
  write(command: Uint8Array): void {
    this.socket.write(command)
  }
}

/** From now on connections are made with this transport. */
export function useWireTransport(): void {
  setTransportFactory({ factory: () => new WireTransport(), dnsResolveFn: nodeResolveHost })
}

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ConnectionOptions } from '@nats-io/nats-core'
import { setTransportFactory } from '@nats-io/nats-core/internal'
import { nodeResolveHost, NodeTransport } from '@nats-io/transport-node/lib/node_transport.js'
import { PlainSocket } from './plain-socket.ts'
import { createSplitter, type OnRawMessage } from './splitter.ts'
import { createWriteQueue } from './write-queue.ts'

/** What is intercepted, by the id of the subscription. It outlives a transport, because each reconnect creates a new one. */
export type Interceptions = Map<number, OnRawMessage>

/** Options of a connection that uses `WireTransport`. */
export interface WireConnectionOptions extends ConnectionOptions {
  readonly interceptions: Interceptions
}

/**
 * The transport of the client library with a bypass for payloads: whole commands are written past the library's buffers,
 * and incoming messages are intercepted before its parser copies them. What is written within one turn of the event loop
 * is joined. Credentials, TLS, heartbeats and reconnecting stay with the library.
 */
export class WireTransport extends NodeTransport {
  readonly #queue = createWriteQueue((bytes) => {
    if (!this.isClosed) this.socket.write(bytes)
  })

  #address = { hostname: '', port: 0 }

  override async dial(address: { hostname: string; port: number }): Promise<Socket> {
    this.#address = address
    return (await PlainSocket.connect(address.hostname, address.port)) as unknown as Socket
  }

  /** Connects again, because node:tls needs a socket of node:net. */
  override async startTLS(): Promise<TLSSocket> {
    this.socket.destroy()
    this.socket = await super.dial(this.#address)
    this.yields = []
    await this.peekInfo()
    return super.startTLS()
  }

  override setupHandlers(): void {
    super.setupHandlers()
    const { interceptions } = this.options as WireConnectionOptions
    const splitter = createSplitter(interceptions)
    const { socket } = this
    socket.removeAllListeners('data')
    socket.on('data', (frame: Buffer) => {
      try {
        const forwarded = splitter.push(frame)
        if (forwarded.length === 0) return
        this.yields.push(...forwarded)
        this.signal.resolve()
      } catch (thrown) {
        // The splitter has lost its place in the stream, so only another connection helps.
        socket.destroy(thrown as Error)
      }
    })
  }

  /** Writes bytes, or ASCII text, of a whole command. The library writes whole commands only, so the two do not mix. */
  write(part: Uint8Array | string): void {
    this.#queue.add(part)
  }

  override send(frame: Uint8Array): void {
    this.#queue.add(frame)
  }

  override _send(frame: Uint8Array): Promise<void> {
    this.#queue.flush()
    return super._send(frame)
  }

  override close(error?: Error): Promise<void> {
    this.#queue.flush()
    return super.close(error)
  }
}

/** Makes all new connections use this transport. */
export function useWireTransport(): void {
  setTransportFactory({ factory: () => new WireTransport(), dnsResolveFn: nodeResolveHost })
}

import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../accounts/admission.ts'
import { clientOf } from './client.ts'
import { reasonOf, type Refused } from './telling.ts'
import { contextOf, handshakeMs, type TlsMaterial } from './material.ts'

export interface FrontNeeds {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** The port on 127.0.0.1 where the same is served without TLS. */
  readonly innerPort: number
  readonly material: TlsMaterial
  readonly refused: Refused
}

/**
 * The TLS in front of the HTTP port. Bun's own server can neither change its certificate nor tell what a client has
 * shown, so connections end here and go on over loopback; by the port they come from there, requests find their client
 * again. What has not come through here has none, and is not answered.
 */
export interface Front {
  readonly port: number
  /** Serves new connections with this; those there are stay as they are. */
  take(material: TlsMaterial): void
  /** Who is behind a connection to the inner port; undefined when it did not come through here. */
  clientAt(innerPort: number): FrontClient | undefined
  /** Lets nobody in any more. Connections go on until the inner side ends them. */
  close(): void
  /** Gives answers on their way a moment to arrive, then ends all connections. */
  end(): Promise<void>
}

export interface FrontClient {
  /** Where it is, e.g. `192.168.1.4:50432`. */
  readonly peer: string
  readonly certificate: ClientCertificate | undefined
}

/** How long a client may take to read its last answer when nothing more will come. */
const lingerMs = 60_000

/** How long answers that have left the inner side may take to arrive once everything ends. */
const partingMs = 500

/** @throws Error when the address cannot be listened on. */
export async function openFront({ host, port, innerPort, material, refused }: FrontNeeds): Promise<Front> {
  const clients = new Map<number, FrontClient>()
  const sockets = new Set<Socket>()
  const server = createServer({
    ...contextOf(material),
    ALPNProtocols: ['http/1.1'],
    // Who shows none may read what is for everybody; who shows a bad one is sent away below.
    requestCert: material.ca !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  })
  server.on('secureConnection', (outer: TLSSocket) => {
    const peer = peerOf(outer)
    const certificate = clientOf(outer)
    if (certificate === 'untrusted') {
      refused(peer, reasonOf(outer.authorizationError))
      return outer.destroy()
    }
    const inner = connect({ host: '127.0.0.1', port: innerPort })
    sockets.add(outer)
    inner.once('connect', () => {
      const from = inner.localPort ?? 0
      const client: FrontClient = { certificate, peer }
      clients.set(from, client)
      // By then the port may have been given to another connection.
      inner.once('close', () => clients.get(from) === client && clients.delete(from))
      outer.pipe(inner)
      inner.pipe(outer)
    })
    outer.once('close', () => {
      sockets.delete(outer)
      inner.destroy()
    })
    outer.on('error', () => outer.destroy())
    inner.on('error', () => outer.destroy())
    // The answer may still be on its way to a slow client.
    inner.once('close', () => {
      outer.end()
      outer.setTimeout(lingerMs, () => outer.destroy())
    })
    outer.setNoDelay(true)
    inner.setNoDelay(true)
  })
  server.on('tlsClientError', (error, socket) => {
    refused(peerOf(socket), reasonOf(error))
    socket.destroy()
  })
  const bound = await listen(server, host, port)
  return {
    port: bound,
    take: (next) => server.setSecureContext(contextOf(next)),
    clientAt: (from) => clients.get(from),
    close: () => void server.close(),
    async end() {
      const over = Promise.all([...sockets].map((socket) => once(socket, 'close')))
      await Promise.race([over, Bun.sleep(partingMs)])
      for (const socket of sockets) socket.destroy()
    },
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

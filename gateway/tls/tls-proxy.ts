import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { SocketAddress } from 'bun'
import type { ClientCertificate } from '../accounts/authenticator.ts'
import { clientCertificateOf } from './client-certificate.ts'
import type { ConnectionServer, ConnectionServers } from './connection-servers.ts'
import { createRateLimitedLog, errorCodeOf, type ReportRefusedHandshake } from './tls-log.ts'
import { secureContextOptions, handshakeMs, type TlsMaterial } from './tls-material.ts'

export interface TlsProxyOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Opens the HTTP server of one connection; undefined when no connection is accepted any more. */
  readonly open: ConnectionServers['open']
  readonly material: TlsMaterial
  readonly refused: ReportRefusedHandshake
  readonly log: Logger
}

/**
 * The TLS in front of the HTTP port. Bun's own server can neither change its certificate nor tell what a client has
 * shown, so connections end here, and each goes on to an HTTP server of its own that knows its client.
 */
export interface TlsProxy {
  readonly port: number
  /** Serves new connections with this; those there are stay as they are. */
  take(material: TlsMaterial): void
  /** Lets nobody in any more. Connections go on until the inner side ends them. */
  close(): void
  /** Gives answers on their way a moment to arrive, then ends all connections. */
  end(): Promise<void>
}

export interface TlsClient {
  /** Where it is. */
  readonly address: SocketAddress
  readonly certificate: ClientCertificate | undefined
}

/** How long a client may take to read its last answer when nothing more will come. */
const lingerMs = 60_000

/** How long answers that have left the inner side may take to arrive once everything ends. */
const partingMs = 500

/** @throws Error when the address cannot be listened on. */
export async function openTlsProxy({
  host,
  port,
  open,
  material,
  refused,
  log,
}: TlsProxyOptions): Promise<TlsProxy> {
  const sockets = new Set<Socket>()
  const warn = createRateLimitedLog((fields) => log.warn('connection refused', fields))
  const server = createServer({
    ...secureContextOptions(material),
    ALPNProtocols: ['http/1.1'],
    // Who shows none may read what is for everybody; who shows a bad one is sent away below.
    requestCert: material.ca !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  })
  server.on('secureConnection', (outer: TLSSocket) => {
    const peer = peerOf(outer)
    const certificate = clientCertificateOf(outer)
    if (certificate === 'untrusted') {
      refused(peer, errorCodeOf(outer.authorizationError))
      return outer.destroy()
    }
    outer.on('error', () => outer.destroy())
    let own: ConnectionServer | undefined
    try {
      own = open({ certificate, address: addressOf(outer) })
    } catch (thrown) {
      // Usually EMFILE: the process has no file descriptor left. Thrown from this listener, it would end the process.
      warn({ port: 'http', peer, reason: errorCodeOf(thrown) })
    }
    if (own === undefined) return outer.destroy()
    const server = own
    const inner = connect({ path: own.path })
    sockets.add(outer)
    inner.once('connect', () => {
      server.connected()
      outer.pipe(inner)
      inner.pipe(outer)
    })
    outer.once('close', () => {
      sockets.delete(outer)
      inner.destroy()
    })
    inner.on('error', (thrown) => {
      if (!outer.destroyed) warn({ port: 'http', peer, reason: errorCodeOf(thrown) })
      outer.destroy()
    })
    inner.once('close', () => {
      server.close()
      // The answer may still be on its way to a slow client.
      outer.end()
      outer.setTimeout(lingerMs, () => outer.destroy())
    })
    outer.setNoDelay(true)
  })
  server.on('tlsClientError', (error, socket) => {
    refused(peerOf(socket), errorCodeOf(error))
    socket.destroy()
  })
  const bound = await listen(server, host, port)
  return {
    port: bound,
    take: (next) => server.setSecureContext(secureContextOptions(next)),
    close: () => void server.close(),
    async end() {
      const over = Promise.all([...sockets].map((socket) => once(socket, 'close')))
      await Promise.race([over, Bun.sleep(partingMs)])
      for (const socket of sockets) socket.destroy()
    },
  }
}

function addressOf({ remoteAddress = '', remotePort = 0, remoteFamily }: Socket): SocketAddress {
  return { address: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4' }
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

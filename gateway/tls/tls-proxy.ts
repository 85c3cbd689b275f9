import { within } from '@pixelflow/core/within'
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
  /** 0 selects a free port. */
  readonly port: number
  /** Opens the HTTP server of one connection; returns undefined while the gateway drains. */
  readonly open: ConnectionServers['open']
  readonly material: TlsMaterial
  readonly reportRefused: ReportRefusedHandshake
  readonly log: Logger
}

/**
 * Terminates the TLS of the HTTP port and forwards each connection to its own HTTP server, which knows the client.
 *
 * Hand-written because `Bun.serve` neither exposes the client certificate to the handler
 * (https://github.com/oven-sh/bun/issues/14097) nor changes its own certificate while it serves
 * (https://github.com/oven-sh/bun/issues/43815). Remove this file, `connection-servers.ts` and `client-certificate.ts` when
 * `Bun.serve` alone passes `client-authentication.test.ts` and `watch-tls.test.ts`.
 */
export interface TlsProxy {
  readonly port: number
  /** Uses the material for new connections. Open connections keep theirs. */
  setMaterial(material: TlsMaterial): void
  /** Stops accepting connections. Open connections continue until their HTTP server closes them. */
  close(): void
  /** Waits shortly for responses in transit, then closes all connections. */
  end(): Promise<void>
}

export interface TlsClient {
  readonly address: SocketAddress
  readonly certificate: ClientCertificate | undefined
}

/** How long a client may take to read the rest of its last response. */
const lingerMs = 60_000

/** How long `end` waits for responses that the HTTP servers have sent. */
const endTimeoutMs = 500

/** @throws Error when the address is in use or invalid. */
export async function openTlsProxy({
  host,
  port,
  open,
  material,
  reportRefused,
  log,
}: TlsProxyOptions): Promise<TlsProxy> {
  const sockets = new Set<Socket>()
  const warn = createRateLimitedLog((fields) => log.warn('connection refused', fields))
  const tlsServer = createServer({
    ...secureContextOptions(material),
    ALPNProtocols: ['http/1.1'],
    // Clients without a certificate may read public resources. Untrusted certificates are refused below.
    requestCert: material.ca !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  })
  tlsServer.on('secureConnection', (outer: TLSSocket) => {
    const peer = peerOf(outer)
    const certificate = clientCertificateOf(outer)
    if (certificate === 'untrusted') {
      reportRefused(peer, errorCodeOf(outer.authorizationError))
      return outer.destroy()
    }
    outer.on('error', () => outer.destroy())
    let opened: ConnectionServer | undefined
    try {
      opened = open({ certificate, address: addressOf(outer) })
    } catch (thrown) {
      // Usually EMFILE, no free file descriptor. An error thrown by this listener would end the process.
      warn({ listener: 'http', peer, reason: errorCodeOf(thrown) })
    }
    if (opened === undefined) return outer.destroy()
    const connectionServer = opened
    const inner = connect({ path: connectionServer.path })
    sockets.add(outer)
    inner.once('connect', () => {
      connectionServer.connected()
      outer.pipe(inner)
      inner.pipe(outer)
    })
    outer.once('close', () => {
      sockets.delete(outer)
      inner.destroy()
    })
    inner.on('error', (thrown) => {
      if (!outer.destroyed) warn({ listener: 'http', peer, reason: errorCodeOf(thrown) })
      outer.destroy()
    })
    inner.once('close', () => {
      connectionServer.close()
      // A slow client may not have received the whole response yet.
      outer.end()
      outer.setTimeout(lingerMs, () => outer.destroy())
    })
    outer.setNoDelay(true)
  })
  tlsServer.on('tlsClientError', (error, socket) => {
    reportRefused(peerOf(socket), errorCodeOf(error))
    socket.destroy()
  })
  const bound = await listen(tlsServer, host, port)
  return {
    port: bound,
    setMaterial: (next) => tlsServer.setSecureContext(secureContextOptions(next)),
    close: () => void tlsServer.close(),
    async end() {
      const over = Promise.all([...sockets].map((socket) => once(socket, 'close')))
      await within(over, endTimeoutMs)
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

import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../../accounts/authenticator.ts'
import { clientCertificateOf } from '../../../tls/client-certificate.ts'
import { errorCodeOf, type ReportRefusedHandshake } from '../../../tls/tls-log.ts'

/** The client certificates of open connections. */
export interface ClientCertificates {
  certificateOf(session: ServerHttp2Session | undefined): ClientCertificate | undefined
  /** Checks each new connection of a server once, and closes it when its certificate is untrusted. */
  attach(server: Http2Server): void
}

/**
 * Certificates are stored by session because reading one from the socket costs more than a small call. Address and port do
 * not identify a connection: a server that listens on several addresses may have two connections from the same pair.
 *
 * `getAuthContext` of grpc-js reads the certificate for each call, and grpc-js has no hook that refuses a connection. No
 * upstream issue is known. Remove this file when it has one, and `tls/client-authentication.test.ts` and
 * `tls/isolation.test.ts` pass with it.
 */
export function createClientCertificates(
  reportRefused: ReportRefusedHandshake = () => {},
): ClientCertificates {
  const certificates = new WeakMap<ServerHttp2Session, ClientCertificate>()
  return {
    certificateOf: (session) => session && certificates.get(session),
    attach(server) {
      server.on('tlsClientError', (error: unknown, socket: TLSSocket) =>
        reportRefused(peerOf(socket), errorCodeOf(error)),
      )
      server.on('session', (session: ServerHttp2Session) => {
        const { socket } = session
        if (!(socket instanceof TLSSocket)) return
        const certificate = clientCertificateOf(socket)
        if (certificate === undefined) return
        if (certificate === 'untrusted') {
          reportRefused(peerOf(socket), errorCodeOf(socket.authorizationError))
          // The other session listeners need an open session, so it closes in the next tick, before any read.
          return process.nextTick(() => session.destroy())
        }
        certificates.set(session, certificate)
      })
    },
  }
}

function peerOf({ remoteAddress, remotePort }: TLSSocket): string {
  return `${remoteAddress}:${remotePort}`
}

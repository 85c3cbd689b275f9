import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../../accounts/authenticator.ts'
import { clientCertificateOf } from '../../../tls/client-certificate.ts'
import { errorCodeOf, type ReportRefusedHandshake } from '../../../tls/tls-log.ts'

/** The certificates of the clients of open connections. */
export interface Clients {
  certificateOf(session: ServerHttp2Session | undefined): ClientCertificate | undefined
  /** Looks at each connection of a server once, and ends those that show a certificate nobody here has signed. */
  look(server: Http2Server): void
}

/**
 * Kept by connection, because asking its socket for each call costs more than a small call. An address and port do not
 * identify a connection: where the server listens on several addresses, two connections may come from the same ones.
 */
export function createClientCertificates(refused: ReportRefusedHandshake = () => {}): Clients {
  const known = new WeakMap<ServerHttp2Session, ClientCertificate>()
  return {
    certificateOf: (session) => session && known.get(session),
    look(server) {
      server.on('tlsClientError', (error: unknown, socket: TLSSocket) =>
        refused(peerOf(socket), errorCodeOf(error)),
      )
      server.on('session', (session: ServerHttp2Session) => {
        const { socket } = session
        if (!(socket instanceof TLSSocket)) return
        const certificate = clientCertificateOf(socket)
        if (certificate === undefined) return
        if (certificate === 'untrusted') {
          refused(peerOf(socket), errorCodeOf(socket.authorizationError))
          // Before anything of it is read, but not before others have looked at the connection as it is now.
          return process.nextTick(() => session.destroy())
        }
        known.set(session, certificate)
      })
    },
  }
}

function peerOf({ remoteAddress, remotePort }: TLSSocket): string {
  return `${remoteAddress}:${remotePort}`
}

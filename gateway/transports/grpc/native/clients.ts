import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../../accounts/admission.ts'
import { clientOf } from '../../../tls/client.ts'
import { reasonOf, type Refused } from '../../../tls/telling.ts'

/** What the clients of open connections have shown, by the name that grpc-js gives a call's peer. */
export interface Clients {
  certificateOf(peer: string): ClientCertificate | undefined
  /** Looks at each connection of a server once, and ends those that show a certificate nobody here has signed. */
  look(server: Http2Server): void
}

/** Asking the connection anew for each call would cost more than many a call. */
export function createClients(refused: Refused = () => {}): Clients {
  const known = new Map<string, { readonly certificate: ClientCertificate }>()
  return {
    certificateOf: (peer) => known.get(peer)?.certificate,
    look(server) {
      server.on('tlsClientError', (error: unknown, socket: TLSSocket) =>
        refused(peerOf(socket), reasonOf(error)),
      )
      server.on('session', (session: ServerHttp2Session) => {
        const { socket } = session
        if (!(socket instanceof TLSSocket)) return
        const peer = peerOf(socket)
        const certificate = clientOf(socket)
        if (certificate === undefined) return
        if (certificate === 'untrusted') {
          refused(peer, reasonOf(socket.authorizationError))
          // Before anything of it is read, but not before others have looked at the connection as it is now.
          return process.nextTick(() => session.destroy())
        }
        const entry = { certificate }
        known.set(peer, entry)
        // By then the port may have been given to another connection.
        session.once('close', () => known.get(peer) === entry && known.delete(peer))
      })
    },
  }
}

function peerOf({ remoteAddress, remotePort }: TLSSocket): string {
  return `${remoteAddress}:${remotePort}`
}

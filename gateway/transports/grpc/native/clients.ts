import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../../accounts/admission.ts'
import { clientOf } from '../../../tls/client.ts'

/** What the clients of open connections have shown, by the name that grpc-js gives a call's peer. */
export interface Clients {
  certificateOf(peer: string): ClientCertificate | undefined
  /** Looks at each connection of a server once, and ends those that show a certificate nobody here has signed. */
  look(server: Http2Server): void
}

/** Asking the connection anew for each call would cost more than many a call. */
export function createClients(): Clients {
  const known = new Map<string, { readonly certificate: ClientCertificate }>()
  return {
    certificateOf: (peer) => known.get(peer)?.certificate,
    look: (server) =>
      void server.on('session', (session: ServerHttp2Session) => {
        const { socket } = session
        if (!(socket instanceof TLSSocket)) return
        const certificate = clientOf(socket)
        if (certificate === undefined) return
        // Before anything of it is read, but not before others have looked at the connection as it is now.
        if (certificate === 'untrusted') return process.nextTick(() => session.destroy())
        const peer = `${socket.remoteAddress}:${socket.remotePort}`
        const entry = { certificate }
        known.set(peer, entry)
        // By then the port may have been given to another connection.
        session.once('close', () => known.get(peer) === entry && known.delete(peer))
      }),
  }
}

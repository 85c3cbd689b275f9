import { ServerCredentials } from '@grpc/grpc-js'
import type { WatchedTls } from '../../../tls/watch-tls.ts'
import { secureContextOptions, handshakeMs, type TlsMaterial } from '../../../tls/tls-material.ts'

/**
 * Server credentials that follow the certificate files while the port is open. This is supported use: grpc-js has
 * `updateSecureContextOptions` for subclasses. Its own class that reloads certificates takes them from a certificate
 * provider, not from the files that `watch-tls.ts` has validated. `tls/client-authentication.test.ts` tests it.
 * @param requireClients whether a handshake without a valid client certificate fails
 */
export function reloadableCredentials(tls: WatchedTls, requireClients: boolean): ServerCredentials {
  const credentials = new ReloadableCredentials(tls.current, requireClients)
  tls.onChange((material) => credentials.update(material))
  return credentials
}

class ReloadableCredentials extends ServerCredentials {
  constructor(material: TlsMaterial, requireClients: boolean) {
    const requestCert = material.ca !== undefined
    super(
      { requestCert, rejectUnauthorized: requestCert && requireClients, handshakeTimeout: handshakeMs },
      secureContextOptions(material),
    )
  }

  /** Applies to new connections; open connections keep their certificate. */
  update(material: TlsMaterial): void {
    this.updateSecureContextOptions(secureContextOptions(material))
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

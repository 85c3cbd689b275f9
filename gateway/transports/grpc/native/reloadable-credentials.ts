import { ServerCredentials } from '@grpc/grpc-js'
import type { WatchedTls } from '../../../tls/watch-tls.ts'
import { secureContextOptions, handshakeMs, type TlsMaterial } from '../../../tls/tls-material.ts'

/**
 * Credentials whose certificate, key and authorities change with the files while the port is open.
 * @param requireClients Whether a handshake without a good client certificate fails.
 */
export function reloadableCredentials(tls: WatchedTls, requireClients: boolean): ServerCredentials {
  const credentials = new ReloadableCredentials(tls.current, requireClients)
  tls.onChange((material) => credentials.take(material))
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

  /** Serves new connections with this; those there are stay as they are. */
  take(material: TlsMaterial): void {
    this.updateSecureContextOptions(secureContextOptions(material))
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

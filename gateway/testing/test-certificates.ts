import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueAuthority, issueClient, issueServer, type IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { writeKeyPair } from '@pixelflow/cli/certs/key-pair'
import { credentials } from '@grpc/grpc-js'

/** A folder of certificates, created as `./pixelflow certs` creates them. */
export interface TestCertificates extends AsyncDisposable {
  readonly folder: string
  readonly authority: IssuedCertificate
  /** An authority that the gateway does not trust. */
  readonly untrustedAuthority: IssuedCertificate
  readonly server: IssuedCertificate
  /** Settings of a gateway that uses the certificates and trusts clients of the authority. */
  readonly env: Record<string, string>
  client(account: string, authority?: IssuedCertificate): Promise<IssuedCertificate>
  /** Replaces the certificate of the server, as the command does. */
  replaceServer(issued: IssuedCertificate): Promise<void>
}

export const serverHosts = ['localhost', '127.0.0.1', '::1']
const dayMs = 86_400_000
const daysFromNow = (from: number, until: number) => ({
  from: new Date(Date.now() + from * dayMs),
  until: new Date(Date.now() + until * dayMs),
})
export const expiredValidity = daysFromNow(-10, -1)
export const futureValidity = daysFromNow(1, 10)

export async function createTestCertificates(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-tls-'))
  const [authority, untrustedAuthority] = await Promise.all([issueAuthority(), issueAuthority()])
  const server = await issueServer(authority, serverHosts)
  const file = (name: string) => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
  })
  const files = file('server')
  await writeKeyPair(file('ca'), authority)
  await writeKeyPair(files, server)
  return {
    folder,
    authority,
    untrustedAuthority,
    server,
    env: {
      PIXELFLOW_TLS_CERT_FILE: files.certificate,
      PIXELFLOW_TLS_KEY_FILE: files.key,
      PIXELFLOW_TLS_CLIENT_CA_FILE: file('ca').certificate,
      PIXELFLOW_TLS_RELOAD_INTERVAL: '100ms',
    },
    client: (account, by = authority) => issueClient(by, { name: account, account }),
    replaceServer: (issued) => writeKeyPair(files, issued),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The credentials of a gRPC client. */
export function grpcCredentials(authority: IssuedCertificate, client?: IssuedCertificate) {
  return credentials.createSsl(
    Buffer.from(authority.certificate),
    client ? Buffer.from(client.key) : null,
    client ? Buffer.from(client.certificate) : null,
  )
}

/** The TLS options of fetch. */
export function fetchOptions(authority: IssuedCertificate, client?: IssuedCertificate) {
  return { tls: { ca: authority.certificate, ...(client && { cert: client.certificate, key: client.key }) } }
}

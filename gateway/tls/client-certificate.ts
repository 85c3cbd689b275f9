import type { TLSSocket } from 'node:tls'
import { parseAccountUris } from '@pixelflow/core/account-uri'
import type { ClientCertificate } from '../accounts/authenticator.ts'

/**
 * The client certificate of a connection: undefined without one, `'untrusted'` when no trusted authority has signed it,
 * when it has expired or is not valid yet, or when it is not for client authentication.
 */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | 'untrusted' | undefined {
  // The types say it always exists; it is empty or undefined when the client sent none.
  const sent = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket['getPeerCertificate']>> | undefined
  if (!sent?.raw) return undefined
  if (!socket.authorized) return 'untrusted'
  const until = Date.parse(sent.valid_to ?? '')
  return Number.isNaN(until)
    ? 'untrusted'
    : { account: parseAccountUris(urisIn(sent.subjectaltname)), untilMs: until }
}

/**
 * The URIs in a list of subject alternative names such as `DNS:a, URI:b`. OpenSSL quotes a value with a comma as a JSON
 * string, so that one name cannot look like two. A list in any other format has no URIs.
 */
export function urisIn(names = ''): string[] {
  const uris: string[] = []
  const one = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y
  while (one.lastIndex < names.length) {
    const [, kind, value = ''] = one.exec(names) ?? []
    if (kind === undefined) return []
    if (kind === 'URI') uris.push(value)
  }
  return uris
}

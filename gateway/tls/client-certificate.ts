import type { TLSSocket } from 'node:tls'
import { parseAccountUris } from '@pixelflow/core/account-uri'
import type { ClientCertificate } from '../accounts/authenticator.ts'

/**
 * The certificate that a connection's client has shown: undefined when it has shown none, `'untrusted'` when no
 * authority of ours has signed it, it is out of date, or it is not for clients.
 */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | 'untrusted' | undefined {
  // Typed as always there, but empty or missing when the client has shown none.
  const shown = socket.getPeerCertificate() as
    | Partial<ReturnType<TLSSocket['getPeerCertificate']>>
    | undefined
  if (!shown?.raw) return undefined
  if (!socket.authorized) return 'untrusted'
  const until = Date.parse(shown.valid_to ?? '')
  return Number.isNaN(until)
    ? 'untrusted'
    : { account: parseAccountUris(urisIn(shown.subjectaltname)), untilMs: until }
}

/**
 * The URIs in a list of subject alternative names such as `DNS:a, URI:b`. A value with a comma stands in quotes, as a
 * JSON string, so that no name can pass for two. What is written otherwise yields none at all.
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

import { Fault } from '@pixelflow/core/fault'
import { adminScope, localAccount, createPrincipal, scopes, type Principal } from '@pixelflow/core/principal'
import { requireLocalOrigin, requireSameOrigin } from './require-same-origin.ts'
import type { RequestField } from '../request-field.ts'
import type { TokenTable } from './token-table.ts'

/** Authenticates requests by bearer token, client certificate or, without either, by origin. */
export interface Authenticator {
  /** The credentials that a client has to send. */
  readonly auth: 'none' | 'token' | 'certificate'
  /**
   * Returns the principal of a request that acts for an account.
   * @param certificate the certificate of the client of this connection, if it sent one
   * @throws Fault `unauthenticated` or `forbidden`.
   */
  authenticate(headers: Headers, certificate?: ClientCertificate): Principal
  /** For public resources: the page, documents, health. @throws Fault `forbidden` for a request of another origin. */
  checkOrigin(headers: Headers): void
}

/** A client certificate that was verified in the TLS handshake. */
export interface ClientCertificate {
  /** The account that the certificate names; undefined when it names none and only permits the connection. */
  readonly account: string | undefined
  /** End of validity; a connection may live longer. */
  readonly untilMs: number
}

/** Whether client certificates are ignored, accepted in place of a token, or required for each call. */
export type ClientAuth = 'none' | 'optional' | 'require'

/**
 * A call with both a token and a certificate must name the same account in both. A certificate without an account leaves
 * the account to the token, so that a proxy can have a certificate of its own.
 * @param allowedOrigins origins other than our own whose pages may call
 */
export function createAuthenticator(
  tokens: TokenTable | undefined,
  clientAuth: ClientAuth = 'none',
  allowedOrigins: ReadonlySet<string> = new Set(),
): Authenticator {
  if (tokens === undefined && clientAuth === 'none') {
    const local = createPrincipal(localAccount, [...scopes, adminScope])
    return {
      auth: 'none',
      authenticate(headers) {
        requireLocalOrigin(headers, allowedOrigins)
        return local
      },
      checkOrigin: (headers) => requireLocalOrigin(headers, allowedOrigins),
    }
  }
  const auth = tokens === undefined || clientAuth === 'require' ? 'certificate' : 'token'
  return {
    auth,
    authenticate(headers, certificate) {
      if (clientAuth === 'require' && !certificate)
        throw invalidCertificate('This call needs a client certificate.')
      if (certificate && certificate.untilMs <= Date.now()) {
        throw invalidCertificate('The client certificate expired after the connection was made.')
      }
      const tokenPrincipal = authenticateToken(headers, tokens)
      const tokenAccount = tokenPrincipal?.account
      const certificateAccount = certificate?.account
      if (
        tokenAccount !== undefined &&
        certificateAccount !== undefined &&
        tokenAccount !== certificateAccount
      ) {
        throw new Fault('unauthenticated', 'The token and the client certificate name different accounts.', {
          field: '@authorization' satisfies RequestField,
          remedy: 'Send the token of the account that the certificate names, or no token.',
        })
      }
      // Browsers send a client certificate automatically, also for pages of other origins. Tokens are sent on purpose.
      if (tokenAccount === undefined && certificateAccount !== undefined)
        requireSameOrigin(headers, allowedOrigins)
      if (tokenPrincipal !== undefined) return tokenPrincipal
      if (certificateAccount !== undefined) return createPrincipal(certificateAccount)
      if (certificate) throw invalidCertificate('The client certificate names no account.')
      throw auth === 'token'
        ? invalidToken('This call needs a token.')
        : invalidCertificate('This call needs a client certificate.')
    },
    // Public resources are the same for all callers, so a page of another origin gains nothing from them.
    checkOrigin() {},
  }
}

/** Undefined when the call has no token. @throws Fault `unauthenticated` for an unknown or malformed token. */
function authenticateToken(headers: Headers, tokens: TokenTable | undefined): Principal | undefined {
  const authorization = headers.get('authorization')
  if (authorization === null) return undefined
  // `Headers` joins repeated headers with a comma, and no token contains one. Several tokens are ambiguous.
  if (authorization.includes(',')) throw invalidToken('The call has more than one token.')
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) throw invalidToken('Authorization is not a bearer token.')
  const found = tokens?.findPrincipal(token)
  if (found === undefined) throw invalidToken('The token is unknown.')
  return found
}

function invalidToken(detail: string): Fault {
  return new Fault('unauthenticated', detail, {
    field: '@authorization' satisfies RequestField,
    remedy: 'Send "Authorization: Bearer <token>" with a token from PIXELFLOW_API_TOKENS.',
  })
}

function invalidCertificate(detail: string): Fault {
  return new Fault('unauthenticated', detail, {
    remedy:
      'Connect with a certificate that names an account, spiffe://pixelflow/account/<id>, and that an authority in ' +
      'PIXELFLOW_TLS_CLIENT_CA_FILE has signed.',
  })
}

import { Fault } from '@pixelflow/core/fault'
import { adminScope, localAccount, principal, scopes, type Principal } from '@pixelflow/core/principal'
import { requireOwnOrigin, requireOwnPage } from './check-origin.ts'
import type { TokenTable } from './token-table.ts'

/** Finds out who sends a request, or that nobody may. */
export interface Authenticator {
  /** What a client has to bring. */
  readonly auth: 'none' | 'token' | 'certificate'
  /**
   * For calls that act for an account. `certificate` is what the connection's client has shown, if anything.
   * @throws Fault `unauthenticated` or `forbidden`.
   */
  authenticate(headers: Headers, certificate?: ClientCertificate): Principal
  /** For what anybody may see: the page, documents, health. @throws Fault `forbidden`. */
  checkOrigin(headers: Headers): void
}

/** A client certificate that was verified when its connection was made. */
export interface ClientCertificate {
  /** The account that it names; undefined when it names none, and only opens the connection. */
  readonly account: string | undefined
  /** When it ends; connections may live longer. */
  readonly untilMs: number
}

/** Whether calls need a client certificate: none is looked at, one may stand for a token, or each call needs one. */
export type ClientAuth = 'none' | 'optional' | 'require'

/**
 * A call that brings a token and a certificate acts for the account that both name. A certificate that names none
 * leaves it to the token, so that a proxy may have one for itself.
 * @param pages origins besides our own whose pages may call
 */
export function createAuthenticator(
  tokens: TokenTable | undefined,
  clientAuth: ClientAuth = 'none',
  pages: ReadonlySet<string> = new Set(),
): Authenticator {
  if (tokens === undefined && clientAuth === 'none') {
    const local = principal(localAccount, [...scopes, adminScope])
    return {
      auth: 'none',
      authenticate(headers) {
        requireOwnOrigin(headers, pages)
        return local
      },
      checkOrigin: (headers) => requireOwnOrigin(headers, pages),
    }
  }
  const auth = tokens === undefined || clientAuth === 'require' ? 'certificate' : 'token'
  return {
    auth,
    authenticate(headers, certificate) {
      if (clientAuth === 'require' && !certificate) throw uncertified('This call needs a client certificate.')
      if (certificate && certificate.untilMs <= Date.now()) {
        throw uncertified('The client certificate has ended since the connection was made.')
      }
      const holder = holderByToken(headers, tokens)
      const byToken = holder?.account
      const byCertificate = certificate?.account
      if (byToken !== undefined && byCertificate !== undefined && byToken !== byCertificate) {
        throw new Fault('unauthenticated', 'The token and the client certificate name different accounts.', {
          field: 'Authorization',
          remedy: 'Send the token of the account that the certificate names, or none.',
        })
      }
      // A browser shows its certificate by itself, whichever page has made it call; a token is sent on purpose.
      if (byToken === undefined && byCertificate !== undefined) requireOwnPage(headers, pages)
      if (holder !== undefined) return holder
      if (byCertificate !== undefined) return principal(byCertificate)
      if (certificate) throw uncertified('The client certificate names no account.')
      throw auth === 'token'
        ? refused('This call needs a token.')
        : uncertified('This call needs a client certificate.')
    },
    // What stands behind this is the same for everybody, and a foreign page gains nothing by it.
    checkOrigin() {},
  }
}

/** Undefined when the call brings no token. @throws Fault `unauthenticated` when it brings one that is not known. */
function holderByToken(headers: Headers, tokens: TokenTable | undefined): Principal | undefined {
  const authorization = headers.get('authorization')
  if (authorization === null) return undefined
  // Several tokens are ambiguous, so the call is refused. No token has a comma, and joining puts one between them.
  if (authorization.includes(',')) throw refused('The call brings more than one token.')
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) throw refused('The Authorization header holds no bearer token.')
  const holder = tokens?.findPrincipal(token)
  if (holder === undefined) throw refused('The token is not known here.')
  return holder
}

function refused(detail: string): Fault {
  return new Fault('unauthenticated', detail, {
    field: 'Authorization',
    remedy: 'Send the header "Authorization: Bearer <token>" with a token from PIXELFLOW_API_TOKENS.',
  })
}

function uncertified(detail: string): Fault {
  return new Fault('unauthenticated', detail, {
    remedy:
      'Connect with a certificate that names an account, spiffe://pixelflow/account/<id>, and that an authority in ' +
      'PIXELFLOW_TLS_CLIENT_CA_FILE has signed.',
  })
}

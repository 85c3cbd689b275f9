import { Fault } from '@pixelflow/core/fault'
import { localAccount, principal, type Principal } from '@pixelflow/core/principal'
import { demandOwnOrigin } from './origin.ts'
import type { TokenTable } from './tokens.ts'

/** Finds out who sends a request, or that nobody may. */
export interface Admission {
  readonly auth: 'none' | 'token'
  /** For calls that act for an account. @throws Fault `unauthenticated` or `forbidden`. */
  principalOf(headers: Headers): Principal
  /** For what anybody may see: the page, documents, health. @throws Fault `forbidden`. */
  letIn(headers: Headers): void
}

export function createAdmission(tokens: TokenTable | undefined): Admission {
  if (tokens === undefined) {
    const local = principal(localAccount)
    return {
      auth: 'none',
      principalOf(headers) {
        demandOwnOrigin(headers)
        return local
      },
      letIn: demandOwnOrigin,
    }
  }
  return {
    auth: 'token',
    principalOf(headers) {
      const token = bearerToken(headers.get('authorization'))
      const account = tokens.accountOf(token)
      if (account === undefined) throw refused('The token is not known here.')
      return principal(account)
    },
    // What stands behind this is the same for everybody, and a foreign page gains nothing by it.
    letIn() {},
  }
}

function bearerToken(authorization: string | null): string {
  if (authorization === null) throw refused('This call needs a token.')
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) throw refused('The Authorization header holds no bearer token.')
  return token
}

function refused(detail: string): Fault {
  return new Fault('unauthenticated', detail, {
    field: 'Authorization',
    remedy: 'Send the header "Authorization: Bearer <token>" with a token from PIXELFLOW_API_TOKENS.',
  })
}

import { accountId } from './principal.ts'

/**
 * How a client certificate names its account: a SPIFFE ID among its subject alternative names,
 * `spiffe://pixelflow/account/<id>`. Nothing else in a certificate says who somebody is.
 */
const prefix = 'spiffe://pixelflow/account/'

/** The name that stands for an account in a client certificate. @throws ZodError when it is no account id. */
export function accountUri(account: string): string {
  return `${prefix}${accountId.parse(account)}`
}

/**
 * The account that a certificate's URIs name; undefined when none of them does, or when they name two, for then it
 * would be for the reader to choose.
 */
export function parseAccountUris(uris: readonly string[]): string | undefined {
  const named = uris.filter((uri) => uri.startsWith(prefix)).map((uri) => uri.slice(prefix.length))
  const [account] = named
  return named.length === 1 && accountId.safeParse(account).success ? account : undefined
}

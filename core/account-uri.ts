import { accountId } from './principal.ts'

/**
 * A client certificate names its account with a SPIFFE ID among its subject alternative names:
 * `spiffe://pixelflow/account/<id>`. No other field of the certificate identifies the caller.
 */
const prefix = 'spiffe://pixelflow/account/'

/** The SPIFFE ID of an account. @throws ZodError for an invalid account id. */
export function accountUri(account: string): string {
  return `${prefix}${accountId.parse(account)}`
}

/**
 * The account named by the URIs of a certificate; undefined if they name no account or several, which is ambiguous.
 */
export function parseAccountUris(uris: readonly string[]): string | undefined {
  const named = uris.filter((uri) => uri.startsWith(prefix)).map((uri) => uri.slice(prefix.length))
  const [account] = named
  return named.length === 1 && accountId.safeParse(account).success ? account : undefined
}

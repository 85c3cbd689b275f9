import { createHash, timingSafeEqual } from 'node:crypto'
import { accountId, adminScope, principal, scopes, type Principal } from '@pixelflow/core/principal'

/** Which account a bearer token belongs to. Knows hashes only, so no token can be read out of a running process. */
export interface TokenTable {
  readonly size: number
  /** Whose token it is; undefined when it is none of ours. Takes equally long for every wrong token. */
  findPrincipal(token: string): Principal | undefined
}

/**
 * Reads `account:token` pairs separated by commas or line breaks; `#` begins a comment line. Of what ends in `:admin` the
 * rest is the token, and its holder has the scope `admin`.
 * @throws Error whose message names the pair by its place, never by its token.
 */
export function parseTokens(text: string): TokenTable {
  const pairs = text
    .split(/[,\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== '' && !one.startsWith('#'))
  if (pairs.length === 0) throw new Error('holds no pair of account and token')

  const entries = pairs.map((pair, i) => {
    const colon = pair.indexOf(':')
    const account = pair.slice(0, Math.max(0, colon))
    const isAdmin = pair.slice(colon + 1).endsWith(`:${adminScope}`)
    const token = pair.slice(colon + 1, isAdmin ? -adminScope.length - 1 : undefined)
    if (colon < 0) throw new Error(`has no colon between account and token in pair ${i + 1}`)
    if (!accountId.safeParse(account).success) {
      throw new Error(`has an account in pair ${i + 1} that is not 1 to 64 of a-z, 0-9, _ and -`)
    }
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new Error(`has a token in pair ${i + 1} that is empty or not made of visible ASCII characters`)
    }
    const holder = principal(account, isAdmin ? [...scopes, adminScope] : scopes)
    return { holder, hash: hashed(token) }
  })
  for (const [i, one] of entries.entries()) {
    const twin = entries.findIndex((other) => other.hash.equals(one.hash))
    if (twin < i && entries[twin]?.holder.account !== one.holder.account) {
      throw new Error(`gives the same token to two accounts, in pairs ${twin + 1} and ${i + 1}`)
    }
  }
  return tableOf(entries)
}

function tableOf(entries: readonly { holder: Principal; hash: Buffer }[]): TokenTable {
  return {
    size: entries.length,
    findPrincipal(token) {
      const hash = hashed(token)
      let found: Principal | undefined
      // No early way out: the time taken must not tell how far the search went.
      for (const one of entries) if (timingSafeEqual(one.hash, hash)) found = one.holder
      return found
    },
  }
}

function hashed(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

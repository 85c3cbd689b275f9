import { createHash, timingSafeEqual } from 'node:crypto'
import { accountId, adminScope, createPrincipal, scopes, type Principal } from '@pixelflow/core/principal'

/** Maps bearer tokens to accounts. Keeps only hashes, so that no token can be read from the memory of the process. */
export interface TokenTable {
  readonly size: number
  /** Returns the owner of a token; undefined for an unknown token. The duration does not depend on the token. */
  findPrincipal(token: string): Principal | undefined
}

/**
 * Reads `account:token` pairs separated by commas or line breaks; `#` starts a comment line. A token with the suffix
 * `:admin` grants the scope `admin`; the suffix is not part of the token.
 * @throws Error whose message completes "PIXELFLOW_API_TOKENS …" and names the pair by its number, never the token.
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
    const holder = createPrincipal(account, isAdmin ? [...scopes, adminScope] : scopes)
    return { holder, hash: hashed(token) }
  })
  for (const [i, one] of entries.entries()) {
    const twin = entries.findIndex((other) => other.hash.equals(one.hash))
    if (twin < i && entries[twin]?.holder.account !== one.holder.account) {
      throw new Error(`has the same token for two accounts, in pairs ${twin + 1} and ${i + 1}`)
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
      // No early exit: the duration must not reveal the position of the match.
      for (const one of entries) if (timingSafeEqual(one.hash, hash)) found = one.holder
      return found
    },
  }
}

function hashed(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

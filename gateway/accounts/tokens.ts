import { createHash, timingSafeEqual } from 'node:crypto'
import { accountId } from '@pixelflow/core/principal'

/** Which account a bearer token belongs to. Knows hashes only, so no token can be read out of a running process. */
export interface TokenTable {
  readonly size: number
  /** The account of a token; undefined when it is none of ours. Takes equally long for every wrong token. */
  accountOf(token: string): string | undefined
}

/**
 * Reads `account:token` pairs separated by commas or line breaks; `#` begins a comment line.
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
    const token = pair.slice(colon + 1)
    if (colon < 0) throw new Error(`has no colon between account and token in pair ${i + 1}`)
    if (!accountId.safeParse(account).success) {
      throw new Error(`has an account in pair ${i + 1} that is not 1 to 64 of a-z, 0-9, _ and -`)
    }
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new Error(`has a token in pair ${i + 1} that is empty or not made of visible ASCII characters`)
    }
    return { account, hash: hashed(token) }
  })
  for (const [i, one] of entries.entries()) {
    const twin = entries.findIndex((other) => other.hash.equals(one.hash))
    if (twin < i && entries[twin]?.account !== one.account) {
      throw new Error(`gives the same token to two accounts, in pairs ${twin + 1} and ${i + 1}`)
    }
  }
  return tableOf(entries)
}

function tableOf(entries: readonly { account: string; hash: Buffer }[]): TokenTable {
  return {
    size: entries.length,
    accountOf(token) {
      const hash = hashed(token)
      let found: string | undefined
      // No early way out: the time taken must not tell how far the search went.
      for (const one of entries) if (timingSafeEqual(one.hash, hash)) found = one.account
      return found
    },
  }
}

function hashed(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Room for so many sessions, of which each account gets its fair share even when others hold all of it. */
export interface SessionQuota {
  /** Takes room for one session of the account if there is any for it. */
  tryTake(account: string): boolean
  give(account: string): void
}

/**
 * The first `capacity` sessions are for anyone. Beyond them, and up to twice as many, an account is let in as long as it
 * holds less than `capacity` divided by the accounts that hold any: sessions cannot be taken back, so this is what keeps one
 * account from holding all of them.
 */
export function createSessionQuota(capacity: number): SessionQuota {
  const held = new Map<string, number>()
  let total = 0

  const hasRoom = (own: number) => {
    if (total < capacity) return true
    const accounts = held.size + (own === 0 ? 1 : 0)
    return total < 2 * capacity && own < Math.ceil(capacity / accounts)
  }
  return {
    tryTake(account) {
      const own = held.get(account) ?? 0
      if (!hasRoom(own)) return false
      held.set(account, own + 1)
      total += 1
      return true
    },
    give(account) {
      const left = (held.get(account) ?? 0) - 1
      total -= 1
      if (left > 0) held.set(account, left)
      else held.delete(account)
    },
  }
}

/** Limits the sessions of an actor; an account gets its fair share even while others use the whole capacity. */
export interface SessionQuota {
  /** Takes one session of the account's quota; false when there is none left. */
  tryAcquire(account: string): boolean
  release(account: string): void
}

/**
 * The first `capacity` sessions go to any account. Beyond them, and up to twice as many, an account gets one while it holds
 * less than `capacity` divided by the number of active accounts. Sessions cannot be revoked, so this keeps one account from
 * blocking the others.
 */
export function createSessionQuota(capacity: number): SessionQuota {
  const held = new Map<string, number>()
  let total = 0

  const hasCapacity = (own: number) => {
    if (total < capacity) return true
    const accounts = held.size + (own === 0 ? 1 : 0)
    return total < 2 * capacity && own < Math.ceil(capacity / accounts)
  }
  return {
    tryAcquire(account) {
      const own = held.get(account) ?? 0
      if (!hasCapacity(own)) return false
      held.set(account, own + 1)
      total += 1
      return true
    },
    release(account) {
      const left = (held.get(account) ?? 0) - 1
      total -= 1
      if (left > 0) held.set(account, left)
      else held.delete(account)
    },
  }
}

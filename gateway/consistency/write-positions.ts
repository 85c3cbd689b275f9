/** The newest sequence that each account has written, so that its next list can include its own writes. */
export interface WritePositions {
  record(account: string, seq: number): void
  /** The newest sequence recorded for the account; 0 when none is remembered. */
  latest(account: string): number
  /** Forgets all sequences, because a new log has replaced the one that they belong to. */
  forget(): void
}

/** Remembers the `maxAccounts` accounts that wrote last. */
export function createWritePositions(maxAccounts = 10_000): WritePositions {
  const latest = new Map<string, number>()
  return {
    record(account, seq) {
      const before = latest.get(account) ?? 0
      // Deleted and set again, so that the map is ordered by age.
      latest.delete(account)
      latest.set(account, Math.max(before, seq))
      if (latest.size > maxAccounts) latest.delete(latest.keys().next().value as string)
    },
    latest: (account) => latest.get(account) ?? 0,
    forget: () => latest.clear(),
  }
}

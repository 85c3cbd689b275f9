/** Remembers how far each account has written, so that a list can wait for what its own account did a moment ago. */
export interface WritePositions {
  noted(account: string, seq: number): void
  /** The newest sequence noted for the account; 0 when none is remembered. */
  latest(account: string): number
  /** What was noted means nothing any more: the log was made anew. */
  forget(): void
}

/** Remembers the `most` accounts that wrote last. */
export function createWritePositions(most = 10_000): WritePositions {
  const latest = new Map<string, number>()
  return {
    noted(account, seq) {
      const before = latest.get(account) ?? 0
      // Deleted and set again, so that the map is ordered by age.
      latest.delete(account)
      latest.set(account, Math.max(before, seq))
      if (latest.size > most) latest.delete(latest.keys().next().value as string)
    },
    latest: (account) => latest.get(account) ?? 0,
    forget: () => latest.clear(),
  }
}

/** Waits between attempts that grow from `firstMs` to `maxMs`, each with up to a quarter of chance in it. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number
  reset(): void
}

export function createBackoff(firstMs = 400, maxMs = 10_000, random: () => number = Math.random): Backoff {
  let base = firstMs
  return {
    next() {
      const wait = base
      base = Math.min(base * 2, maxMs)
      return Math.round(wait * (1 - random() / 4))
    },
    reset() {
      base = firstMs
    },
  }
}

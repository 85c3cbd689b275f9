/** Pauses between tries: they double from `firstMs` to `longestMs`, each with up to a third of chance taken off. */
export interface Backoff {
  /** Milliseconds before the next try. */
  next(): number
  reset(): void
}

export function createBackoff(
  firstMs: number,
  longestMs: number,
  random: () => number = Math.random,
): Backoff {
  let base = firstMs
  return {
    next() {
      const pause = base
      base = Math.min(base * 2, longestMs)
      return Math.round(pause * (1 - random() / 3))
    },
    reset() {
      base = firstMs
    },
  }
}

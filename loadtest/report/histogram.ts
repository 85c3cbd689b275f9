/** Counts durations in buckets that grow by two percent, so that any number of samples needs the same memory. */
export interface Histogram {
  /** Adds a duration in milliseconds. */
  add(ms: number): void
  readonly count: number
  readonly max: number
  /** The duration that `ratio` (0 to 1) of the samples do not exceed, to two percent; 0 without samples. */
  quantile(ratio: number): number
}

const growth = 1.02
/** Durations below it, in milliseconds, share the first bucket. */
const smallest = 0.01

export function createHistogram(): Histogram {
  const buckets: number[] = []
  let count = 0
  let max = 0
  return {
    add(ms) {
      const at = ms <= smallest ? 0 : Math.ceil(Math.log(ms / smallest) / Math.log(growth))
      buckets[at] = (buckets[at] ?? 0) + 1
      count += 1
      max = Math.max(max, ms)
    },
    get count() {
      return count
    },
    get max() {
      return max
    },
    quantile(ratio) {
      if (count === 0) return 0
      const wanted = Math.max(1, Math.ceil(ratio * count))
      let seen = 0
      const at = buckets.findIndex((bucket: number | undefined) => (seen += bucket ?? 0) >= wanted)
      return Math.min(max, smallest * growth ** at)
    },
  }
}

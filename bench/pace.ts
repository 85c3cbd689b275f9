/** Runs `one` for the numbers 0 to `count` − 1, so many at a time; answers with how many were done a second. */
export async function pace(
  count: number,
  concurrency: number,
  one: (serial: number) => Promise<void>,
): Promise<number> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const serial = next
      next += 1
      await one(serial)
    }
  }
  const begin = performance.now()
  await Promise.all(Array.from({ length: concurrency }, lane))
  return count / ((performance.now() - begin) / 1000)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** The value that so much of all is not above, e.g. 0.99 of them; the nearest one that was measured. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
}

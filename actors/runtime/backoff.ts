const firstMs = 500
const longestMs = 30_000

/**
 * How long to wait before try number `tries` + 1, in milliseconds: doubling from half a second up to half a minute,
 * with a random half so that what failed together does not come back together.
 */
export function backoffMs(tries: number, random: () => number = Math.random): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.max(0, tries - 1))
  return Math.round(full * (0.5 + random() * 0.5))
}

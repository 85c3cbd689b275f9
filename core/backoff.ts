export interface BackoffOptions {
  /** The first pause, in milliseconds; default 500. */
  readonly initialMs?: number
  /** The longest pause, in milliseconds; default 30,000. */
  readonly maxMs?: number
  readonly random?: () => number
}

/**
 * The pause after a number of consecutive failures, in milliseconds. It doubles with every failure, and its second half
 * is random, so that processes that failed at the same time do not retry at the same time.
 */
export function backoffMs(
  failures: number,
  { initialMs = 500, maxMs = 30_000, random = Math.random }: BackoffOptions = {},
): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.max(0, failures - 1))
  return Math.round(full * (0.5 + random() * 0.5))
}

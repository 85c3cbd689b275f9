import { inspect } from 'node:util'

export interface WaitOptions {
  /** How long to wait, in milliseconds; 15 s unless given. */
  readonly timeoutMs?: number
}

/**
 * Polls until `accept` holds for what `read` returns, in tests that wait for an asynchronous effect. Without `accept`, the
 * value must be truthy. `what` names the effect, as in `'second job started'`.
 *
 * @returns the accepted value.
 * @throws Error with `what` and the last value seen, when nothing is accepted within `timeoutMs`.
 */
export async function waitFor<T>(
  what: string,
  read: () => T | Promise<T>,
  accept: (value: T) => boolean = Boolean,
  { timeoutMs = 15_000 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  while (true) {
    const value = await read()
    if (accept(value)) return value
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms; last saw ${show(value)}`)
    }
    await Bun.sleep(5)
  }
}

/**
 * Polls for `durationMs` that `holds` stays true, in tests that something does not happen.
 *
 * @throws Error with `what` as soon as `holds` returns false.
 */
export async function stays(
  what: string,
  holds: () => boolean | Promise<boolean>,
  durationMs: number,
): Promise<void> {
  const start = performance.now()
  while (true) {
    const elapsedMs = performance.now() - start
    if (!(await holds())) throw new Error(`${what}: no longer true after ${Math.round(elapsedMs)} ms`)
    if (elapsedMs > durationMs) return
    await Bun.sleep(5)
  }
}

function show(value: unknown): string {
  return inspect(value, { depth: 4, breakLength: 100 }).slice(0, 2000)
}

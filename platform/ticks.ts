import { hostname } from 'node:os'

/** The time of this machine that all its processes share, in milliseconds; other machines are at another point of a period. */
const startedAt = performance.timeOrigin + Number(Bun.hash(hostname()) % 3_600_000n)

/**
 * Whole milliseconds until the clock of this machine passes the next multiple of `everyMs`. Periodic work that waits for it runs at
 * the same moments in all processes of a machine, so it wakes them, and the broker beside them, less often.
 */
export function msUntilTick(everyMs: number, now = startedAt + performance.now()): number {
  return Math.ceil(everyMs - (now % everyMs))
}

/** Calls back at each multiple of `everyMs`, until it is disposed. It does not keep the process alive. */
export function onTick(everyMs: number, callback: () => void): Disposable {
  let timer: ReturnType<typeof setTimeout>
  const wait = () => {
    timer = setTimeout(run, msUntilTick(everyMs)).unref()
  }
  const run = () => {
    wait()
    callback()
  }
  wait()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

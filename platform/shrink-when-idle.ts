import { onTick } from './ticks.ts'

const everyMs = 10_000
/** CPU time in one period up to which a process counts as idle, in milliseconds. */
const maxIdleCpuMs = 100

/**
 * Frees what only the start of this process needed, such as compiled code, once the process has been idle for ten seconds. Code
 * that runs again is compiled again, so this happens once.
 * @param shrink for tests
 */
export function shrinkWhenIdle(
  { periodMs = everyMs, maxCpuMs = maxIdleCpuMs } = {},
  shrink: () => void = Bun.shrink,
): Disposable {
  let before: number | undefined
  const ticks = onTick(periodMs, () => {
    const { user, system } = process.cpuUsage()
    const now = (user + system) / 1000
    const usedMs = now - (before ?? -Infinity)
    before = now
    if (usedMs > maxCpuMs) return
    ticks[Symbol.dispose]()
    shrink()
  })
  return ticks
}

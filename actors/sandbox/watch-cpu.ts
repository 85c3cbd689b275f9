import { readFileSync } from 'node:fs'

/** Clock ticks a second in what /proc says of CPU time: part of the kernel's promise to programs (USER_HZ). */
const ticksPerSecond = 100

/**
 * CPU time a process has used since its start, in milliseconds, over all its threads; 0 when it is gone, or where there
 * is no /proc: there the wall clock alone bounds a piece of work.
 */
export function readCpuMs(pid: number): number {
  if (process.platform !== 'linux') return 0
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may hold anything; the fields after it are numbered from 3, utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
  } catch {
    return 0
  }
}

const lookEveryMs = 500

/** Calls back once if a process uses more than `maxMs` of CPU time from now on; looks until disposed. */
export function watchCpu(pid: number, maxMs: number, exceeded: () => void): Disposable {
  const before = readCpuMs(pid)
  const timer = setInterval(() => {
    if (readCpuMs(pid) - before <= maxMs) return
    clearInterval(timer)
    exceeded()
  }, lookEveryMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

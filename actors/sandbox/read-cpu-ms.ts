import { readFileSync } from 'node:fs'

/** Clock ticks per second in /proc (USER_HZ). The kernel keeps this value stable for user space. */
const ticksPerSecond = 100

/**
 * CPU time that all threads of a process have used, in milliseconds. It is 0 after its exit and where /proc does not
 * exist; there only the wall clock limits a work item.
 */
export function readCpuMs(pid: number): number {
  if (process.platform !== 'linux') return 0
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the name in brackets may hold anything; the fields after it start at 3, utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
  } catch {
    return 0
  }
}

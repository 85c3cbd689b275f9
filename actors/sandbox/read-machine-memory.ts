import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']

/** Memory of this machine, or of its container when that is limited to less, in bytes. */
export function readMachineMemory(): number {
  const limits = limitFiles.map(readNumber)
  return Math.min(totalmem(), ...limits.filter((limit) => limit > 0))
}

function readNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1')) || 0
  } catch {
    return 0
  }
}

import { readFileSync } from 'node:fs'

const pollEveryMs = 50
/** Asking `ps` starts a process, so it happens less often where there is no /proc. */
const psEveryMs = 250

/** Resident memory of a process in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') return residentNow(pid)
  const ps = Bun.spawn(['ps', '-o', 'rss=', '-p', String(pid)], { stdout: 'pipe', stderr: 'ignore' })
  return Number((await ps.stdout.text()).trim()) * 1024
}

/**
 * Calls back once if a process holds more than `maxBytes`; watches until disposed. The kernel's own limits cannot do
 * this: what it offers without privileges bounds address space, of which the runtime reserves far more than it uses.
 */
export function watchMemory(pid: number, maxBytes: number, exceeded: () => void): Disposable {
  let busy = false
  const look = async () => {
    if (busy) return
    busy = true
    const bytes = await residentBytes(pid)
    busy = false
    if (bytes > maxBytes) {
      clearInterval(timer)
      exceeded()
    }
  }
  const timer = setInterval(() => void look(), process.platform === 'linux' ? pollEveryMs : psEveryMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Synchronous on purpose: /proc answers from memory, and a thread hop would cost more than the read. */
function residentNow(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

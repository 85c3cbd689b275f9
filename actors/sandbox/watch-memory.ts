import { readFileSync } from 'node:fs'

const pollEveryMs = 50
/** Asking `ps` starts a process, so it happens less often where there is no /proc. */
const psEveryMs = 250

/** Bytes of a page, from what the kernel tells every program at its start (AT_PAGESZ of getauxval(3)). */
const pageBytes = process.platform === 'linux' ? readPageBytes() : 4096

function readPageBytes(): number {
  const vector = readFileSync('/proc/self/auxv')
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8))
  }
  return 4096
}

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
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageBytes
  } catch {
    return 0
  }
}

import { readFileSync } from 'node:fs'

/** Page size in bytes, from the auxiliary vector (AT_PAGESZ of getauxval(3)). */
const pageBytes = process.platform === 'linux' ? readPageBytes() : 4096

function readPageBytes(): number {
  const vector = readFileSync('/proc/self/auxv')
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8))
  }
  return 4096
}

/** Resident memory of a process in bytes; 0 after its exit. Without /proc it starts a `ps` process. */
export async function readResidentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') return readStatm(pid)
  const ps = Bun.spawn(['ps', '-o', 'rss=', '-p', String(pid)], { stdout: 'pipe', stderr: 'ignore' })
  return Number((await ps.stdout.text()).trim()) * 1024
}

/** Synchronous, because /proc is served from memory and a thread switch would cost more than the read. */
function readStatm(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageBytes
  } catch {
    return 0
  }
}

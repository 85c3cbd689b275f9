/** Memory in bytes. `pss` counts a page that n processes share as 1/n of a page, so it can be added up. */
export interface Memory {
  readonly rss: number
  readonly pss: number
}

/** Memory of a process from `/proc/PID/smaps_rollup`; 0 after its exit. */
export async function readMemory(pid: number): Promise<Memory> {
  const text = await Bun.file(`/proc/${pid}/smaps_rollup`)
    .text()
    .catch(() => '')
  return parseMemory(text)
}

/** Parses proc(5) smaps_rollup. */
export function parseMemory(text: string): Memory {
  const bytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024
  return { rss: bytes('Rss'), pss: bytes('Pss') }
}

/** The sum by role, and of all. */
export function sumMemory(
  rows: readonly { readonly role: string; readonly memory: Memory }[],
): Record<string, Memory> {
  const sums: Record<string, { rss: number; pss: number }> = {}
  for (const { role, memory } of rows) {
    for (const name of [role, 'total']) {
      const sum = (sums[name] ??= { rss: 0, pss: 0 })
      sum.rss += memory.rss
      sum.pss += memory.pss
    }
  }
  return sums
}

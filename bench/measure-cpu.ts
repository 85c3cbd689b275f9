import { childrenOf } from '@pixelflow/testkit/process'

/** Clock ticks per second in /proc (USER_HZ). The kernel keeps this value stable for user space. */
const ticksPerSecond = 100

/** CPU milliseconds of a process and its exited children since its start; 0 after its exit. */
async function readOwnMs(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => '')
  // Fields 14 to 17 of proc(5). The second field may contain spaces, so count from its closing parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * (1000 / ticksPerSecond)
}

/** CPU milliseconds with all running descendants. Those of this process are left out, because they are measured. */
async function readCpuMs(pid: number): Promise<number> {
  if (pid === process.pid) return readOwnMs(pid)
  const children = await Promise.all((await childrenOf(pid)).map(readCpuMs))
  return children.reduce((sum, ms) => sum + ms, await readOwnMs(pid))
}

/** Runs `work` and measures the CPU milliseconds that each named process uses meanwhile. */
export async function measureCpu<T>(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMs: Record<string, number> }> {
  const read = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(pids).map(async ([name, pid]) => [name, await readCpuMs(pid)] as const),
      ),
    )
  const before = await read()
  const result = await work()
  const after = await read()
  return {
    result,
    cpuMs: Object.fromEntries(
      Object.keys(pids).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]),
    ),
  }
}

import { childrenOf } from '@pixelflow/testkit/process'

/** Kernel clock ticks a second, as Linux reports them to user space everywhere. */
const ticksPerSecond = 100

/** CPU milliseconds a process has used since it started, its ended children counted in; 0 when it is gone. */
async function ownMs(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => '')
  // Fields 14 to 17 of proc(5); the second one may hold blanks, so count from its closing parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * (1000 / ticksPerSecond)
}

/** The same with all living descendants; of this very process without them, as they are the ones being measured. */
async function cpuMs(pid: number): Promise<number> {
  if (pid === process.pid) return ownMs(pid)
  const below = await Promise.all((await childrenOf(pid)).map(cpuMs))
  return below.reduce((sum, ms) => sum + ms, await ownMs(pid))
}

/** CPU milliseconds of each named process over the time of `work`. */
export async function cpuDuring<T>(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMs: Record<string, number> }> {
  const take = async () =>
    Object.fromEntries(
      await Promise.all(Object.entries(pids).map(async ([name, pid]) => [name, await cpuMs(pid)] as const)),
    )
  const before = await take()
  const result = await work()
  const after = await take()
  return {
    result,
    cpuMs: Object.fromEntries(
      Object.keys(pids).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]),
    ),
  }
}

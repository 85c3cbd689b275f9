import { childrenOf } from '@pixelflow/testkit/process'

/** Clock ticks per second in /proc (USER_HZ). The kernel keeps this value stable for user space. */
const ticksPerSecond = 100

/** CPU milliseconds since the start of what it measures. It grows only, while the process runs. */
export type CpuReader = () => Promise<number>

/** CPU milliseconds of a process and of its exited children, since its start; 0 after its exit. Both with all threads. */
async function readStat(pid: number): Promise<{ own: number; exited: number }> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => '')
  // Fields 14 to 17 of proc(5). The second field may contain spaces, so count from its closing parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ms = (at: number) => (Number(fields[at] ?? 0) + Number(fields[at + 1] ?? 0)) * (1000 / ticksPerSecond)
  return { own: ms(11), exited: ms(13) }
}

async function readDescendants(pid: number): Promise<number> {
  const children = await Promise.all((await childrenOf(pid)).map((child) => processTree(child)()))
  return children.reduce((sum, ms) => sum + ms, (await readStat(pid)).exited)
}

/** A process alone, without its descendants. */
export const processAlone =
  (pid: number): CpuReader =>
  async () =>
    (await readStat(pid)).own

/** All descendants of a process, running or exited. */
export const descendantsOf =
  (pid: number): CpuReader =>
  () =>
    readDescendants(pid)

/** A process with all its descendants. */
export const processTree =
  (pid: number): CpuReader =>
  async () =>
    (await readStat(pid)).own + (await readDescendants(pid))

/**
 * Runs `work` and measures the CPU milliseconds that each named process uses meanwhile. A number is the id of a process, which is
 * measured with its descendants; those of this process are left out, because they are measured by name.
 */
export async function measureCpu<T>(
  sources: Readonly<Record<string, number | CpuReader>>,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMs: Record<string, number> }> {
  const readers = Object.entries(sources).map(([name, source]) => ({ name, read: readerOf(source) }))
  const readAll = () => Promise.all(readers.map(({ read }) => read()))
  const before = await readAll()
  const result = await work()
  const after = await readAll()
  return {
    result,
    cpuMs: Object.fromEntries(readers.map(({ name }, at) => [name, (after[at] ?? 0) - (before[at] ?? 0)])),
  }
}

function readerOf(source: number | CpuReader): CpuReader {
  if (typeof source === 'function') return source
  return source === process.pid ? processAlone(source) : processTree(source)
}

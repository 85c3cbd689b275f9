import { isRunning } from './process.ts'

/**
 * Lets a running process write no file beyond its beginning any more, as if its disk were full; the returned function takes
 * that back. Every write fails with an error of the system (`file too large`).
 * @throws Error where there is no `prlimit`, or it may not.
 */
export function blockWritesOf(pid: number): () => void {
  limitFiles(pid, '0:')
  return () => limitFiles(pid, 'unlimited:')
}

/** The soft limit alone, so that it can be lifted again. */
function limitFiles(pid: number, limit: string): void {
  const { exitCode, stderr } = Bun.spawnSync(['prlimit', `--pid=${pid}`, `--fsize=${limit}`])
  if (exitCode === 0 || !isRunning(pid)) return
  throw new Error(`prlimit failed: ${stderr.toString().trim()}. Install util-linux.`)
}

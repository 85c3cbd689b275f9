import { isRunning } from './process.ts'

/**
 * Makes every write of a running process to a file fail (`file too large`), as if its disk were full. The returned function
 * removes the limit.
 * @throws Error where `prlimit` is missing or not permitted.
 */
export function blockWritesOf(pid: number): () => void {
  limitFiles(pid, '0:')
  return () => limitFiles(pid, 'unlimited:')
}

/** Sets the soft limit only: an unprivileged process cannot raise the hard one again. */
function limitFiles(pid: number, limit: string): void {
  const { exitCode, stderr } = Bun.spawnSync(['prlimit', `--pid=${pid}`, `--fsize=${limit}`])
  if (exitCode === 0 || !isRunning(pid)) return
  throw new Error(`prlimit failed: ${stderr.toString().trim()}. Install util-linux.`)
}

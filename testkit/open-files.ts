import { readdirSync } from 'node:fs'

/**
 * Limits a running process to `more` file descriptors above those that it has open now. The returned function removes the limit.
 * @throws Error where `prlimit` is missing or not permitted.
 */
export function limitOpenFilesOf(pid: number, more: number): () => void {
  const open = readdirSync(`/proc/${pid}/fd`).length
  const before = run(pid, '--output=SOFT', '--noheadings', '--nofile')
  // The soft limit alone: an unprivileged process cannot raise the hard one again.
  run(pid, `--nofile=${open + more}:`)
  return () => void run(pid, `--nofile=${before}:`)
}

function run(pid: number, ...options: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['prlimit', `--pid=${pid}`, ...options])
  if (exitCode !== 0) throw new Error(`prlimit failed: ${stderr.toString().trim()}. Install util-linux.`)
  return stdout.toString().trim()
}

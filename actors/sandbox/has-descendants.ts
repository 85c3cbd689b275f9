import { readdirSync, readFileSync } from 'node:fs'

/**
 * Whether a process has started others. No decoder does, so an exploit probably has. Always false where the kernel does
 * not provide `/proc/<pid>/task/<tid>/children`.
 */
export function hasDescendants(pid: number): boolean {
  if (process.platform !== 'linux') return false
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).some((task) => readFileSync(`${tasks}/${task}/children`, 'latin1') !== '')
  } catch {
    return false
  }
}

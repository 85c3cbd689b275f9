import { readdirSync, readFileSync } from 'node:fs'

const lookEveryMs = 50

/**
 * Whether a process has started others. No decoder does; whoever has taken one over may. Always false where the kernel
 * does not tell (`/proc/<pid>/task/<tid>/children`).
 */
export function hasDescendants(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).some((task) => readFileSync(`${tasks}/${task}/children`, 'latin1') !== '')
  } catch {
    return false
  }
}

/** Calls back once if a process has started another; looks until disposed. */
export function watchDescendants(pid: number, seen: () => void): Disposable {
  if (process.platform !== 'linux') return { [Symbol.dispose]: () => {} }
  const timer = setInterval(() => {
    if (!hasDescendants(pid)) return
    clearInterval(timer)
    seen()
  }, lookEveryMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

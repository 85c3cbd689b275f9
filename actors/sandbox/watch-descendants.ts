import { readdirSync, readFileSync } from 'node:fs'

const pollEveryMs = 50

/**
 * Whether a process has started others. No decoder does, so an exploit probably has. Always false where the kernel does
 * not provide `/proc/<pid>/task/<tid>/children`.
 */
function hasDescendants(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).some((task) => readFileSync(`${tasks}/${task}/children`, 'latin1') !== '')
  } catch {
    return false
  }
}

/** Calls back once when a process has started another; polls until disposed. */
export function watchDescendants(pid: number, onDescendant: () => void): Disposable {
  if (process.platform !== 'linux') return { [Symbol.dispose]: () => {} }
  const timer = setInterval(() => {
    if (!hasDescendants(pid)) return
    clearInterval(timer)
    onDescendant()
  }, pollEveryMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

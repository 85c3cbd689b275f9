import { readdir, readFile } from 'node:fs/promises'
import { waitFor } from './wait-for.ts'

/**
 * Stops a process with SIGSTOP, and waits until none of its threads runs. On a busy machine they go on for a while: the thread
 * that gets the signal must run before it can stop the others. Continue it with SIGCONT.
 */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await waitFor(
    `process ${pid} stopped`,
    () => threadStates(pid),
    (states) => states.every((state) => state === 'T'),
  )
}

/** One letter for each thread; see proc(5). */
async function threadStates(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/task`
  const threads = await readdir(folder)
  const states = await Promise.all(
    threads.map(async (thread) => {
      const text = await readFile(`${folder}/${thread}/stat`, 'utf8').catch(() => '')
      // The name of the program, in parentheses, may have spaces.
      return text.slice(text.lastIndexOf(')') + 2)[0]
    }),
  )
  // A thread that has ended since has no state.
  return states.filter((state) => state !== undefined)
}

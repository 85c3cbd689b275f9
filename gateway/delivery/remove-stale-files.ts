import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A file name that contains the process id, so that other processes can recognise a stale file. */
export function processFileName(): string {
  return `${process.pid}-${crypto.randomUUID()}`
}

/** Deletes the files of processes that have exited. A living process may be a gateway that shares the folder. */
export async function removeStaleFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1] ?? NaN)
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue
    await rm(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'EPERM'
  }
}

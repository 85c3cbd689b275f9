import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Between the parts of a folder's name. Neither host names nor numbers contain it. */
const separator = '~'

/**
 * Creates a folder of this process in `home`, and removes those of dead processes of this machine. Only the user of this
 * process can enter it.
 * @param prefix of the folder's name, which tells what it holds
 */
export async function createProcessFolder(home: string, prefix: string): Promise<string> {
  await mkdir(home, { recursive: true })
  await removeDeadFolders(home, prefix)
  // The start time is part of the name, because process ids are reused.
  return mkdtemp(join(home, [prefix, hostname(), process.pid, startOf(process.pid), ''].join(separator)))
}

/** Paths of the folders in `home` that processes of this machine have created. */
export function listProcessFolders(home: string, prefix: string): string[] {
  return readdirSync(home)
    .filter((name) => isProcessFolder(name, prefix))
    .map((name) => join(home, name))
}

/** Whether a folder of this name was created by a process of this machine. */
export function isProcessFolder(name: string, prefix: string): boolean {
  return name.startsWith([prefix, hostname(), ''].join(separator))
}

/** Removes the folders in `home` whose processes have ended. Folders of other machines stay. */
export async function removeDeadFolders(home: string, prefix: string): Promise<void> {
  for (const name of await readdir(home)) {
    const [kind, host, pid, start] = name.split(separator)
    if (kind !== prefix || host !== hostname() || startOf(Number(pid)) === start) continue
    // Another process may remove it at the same time, or another user may own it.
    await rm(join(home, name), { recursive: true, force: true }).catch(() => {})
  }
}

/** When a process started, in an opaque unit; "gone" when it does not exist. */
function startOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // proc(5): field 22. Field 2, the command in parentheses, may hold spaces, so fields are counted after it.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone'
    }
    process.kill(pid, 0)
    return 'alive'
  } catch {
    return 'gone'
  }
}

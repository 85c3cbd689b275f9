import { accessSync, constants, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where bytes lie while a task is worked on: a folder of this process, in memory where there is such a file system. */
export interface Scratch extends AsyncDisposable {
  readonly path: string
  /** A fresh, private folder; disposing removes it with all that is in it. */
  folder(): Promise<ScratchFolder>
}

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string
}

const prefix = 'pixelflow-actor'
/** Less room than this in memory and the disk serves better; containers often come with 64 MiB. */
const enoughBytes = 1024 * 1024 * 1024
const tmpfsMagic = 0x01021994

/**
 * Opens this process's scratch folder below `root` (default: tmpfs if there is one with room, else the system's folder
 * for temporary files), after removing what dead processes of this machine have left there.
 */
export async function openScratch(root?: string): Promise<Scratch> {
  const home = root ?? (await defaultRoot())
  await mkdir(home, { recursive: true })
  await sweep(home)
  // Named after machine, process and the moment it started: a process id alone is used again.
  const path = await mkdtemp(
    join(home, [prefix, hostname(), process.pid, startOf(process.pid), ''].join('~')),
  )
  return {
    path,
    async folder() {
      const made = await mkdtemp(join(path, 'task-'))
      return { path: made, [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }) }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

async function defaultRoot(): Promise<string> {
  try {
    const memory = '/dev/shm'
    accessSync(memory, constants.W_OK)
    const { type, bavail, bsize } = await statfs(memory)
    if (type === tmpfsMagic && bavail * bsize >= enoughBytes) return memory
  } catch {
    // No such folder, or not ours to write.
  }
  return tmpdir()
}

async function sweep(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const [kind, host, pid, start] = name.split('~')
    if (kind !== prefix || host !== hostname() || startOf(Number(pid)) === start) continue
    await rm(join(home, name), { recursive: true, force: true })
  }
}

/** When a process started, in whatever unit this system tells it; "gone" when there is none. */
function startOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // proc(5): field 22, counted after the command's closing parenthesis, the command being field 2.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone'
    }
    process.kill(pid, 0)
    return 'alive'
  } catch {
    return 'gone'
  }
}

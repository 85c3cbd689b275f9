import { accessSync, constants, mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Where bytes lie while a task is worked on: folders of this process, in memory where there is such a file system, on
 * disk for what is large.
 */
export interface Scratch extends AsyncDisposable {
  /** The folders of this process; all else lies below them. */
  readonly paths: readonly string[]
  /** Where large things go. */
  readonly large: string
  /** A fresh, private folder for about so many bytes; disposing removes it with all that is in it. */
  folder(bytes: number): Promise<ScratchFolder>
}

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string
}

const prefix = 'pixelflow-actor'
/** Larger sources than this would take memory that decoding needs. */
const largeBytes = 64 * 1024 * 1024
/** Less room than this in memory and the disk serves better; containers often come with 64 MiB. */
const enoughBytes = 1024 * 1024 * 1024
const tmpfsMagic = 0x01021994

/**
 * Opens this process's scratch folders, after removing what dead processes of this machine have left beside them.
 * @param root the one place for all; by default tmpfs, if there is one with room, and the system's folder for
 * temporary files
 */
export async function openScratch(root?: string): Promise<Scratch> {
  const large = await claim(root ?? tmpdir())
  const memory = root === undefined ? await memoryRoot() : undefined
  const small = memory === undefined ? large : await claim(memory)
  const paths = [...new Set([small, large])]
  return {
    paths,
    large,
    async folder(bytes) {
      // Not worth another thread: it waits for nothing.
      const path = mkdtempSync(join(bytes > largeBytes ? large : small, 'task-'))
      return { path, [Symbol.asyncDispose]: () => remove(path) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(paths.map(remove))
    },
  }
}

async function claim(home: string): Promise<string> {
  await mkdir(home, { recursive: true })
  await sweep(home)
  // Named after machine, process and the moment it started: a process id alone is used again.
  return mkdtemp(join(home, [prefix, hostname(), process.pid, startOf(process.pid), ''].join('~')))
}

async function memoryRoot(): Promise<string | undefined> {
  const path = '/dev/shm'
  try {
    accessSync(path, constants.W_OK)
    const { type, bavail, bsize } = await statfs(path)
    return type === tmpfsMagic && bavail * bsize >= enoughBytes ? path : undefined
  } catch {
    return undefined
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}

async function sweep(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const [kind, host, pid, start] = name.split('~')
    if (kind !== prefix || host !== hostname() || startOf(Number(pid)) === start) continue
    // Somebody else may be sweeping, or may own it.
    await remove(join(home, name)).catch(() => {})
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

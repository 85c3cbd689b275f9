import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Folders of this process for the files of work in progress: in memory (tmpfs) where possible, on disk for large files.
 */
export interface Scratch extends AsyncDisposable {
  /** The root folders of this process. */
  readonly paths: readonly string[]
  /** The root folder for large files. */
  readonly large: string
  /** Creates a private folder for about so many bytes. Disposing removes it with its content. */
  folder(bytes: number): Promise<ScratchFolder>
  /** The same, but the folder is created when it is needed: small work needs none. */
  lazyFolder(bytes: number): LazyScratchFolder
}

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string
}

/** A folder that may not exist yet. Its name cannot be guessed, and a worker may create it too. */
export interface LazyScratchFolder extends ScratchFolder {
  /** Creates the folder, unless it exists. */
  create(): void
}

const prefix = 'pixelflow-actor'
/** Larger files go to disk: in tmpfs they would take memory that decoding needs. */
const largeBytes = 64 * 1024 * 1024
/** A smaller tmpfs is not used; many containers have one of 64 MiB. */
const minTmpfsBytes = 1024 * 1024 * 1024
const tmpfsMagic = 0x01021994

/**
 * Creates the scratch folders of this process, and removes those of dead processes of this machine.
 * @param root one folder for everything; by default a tmpfs with enough space, and the system's temporary folder
 */
export async function openScratch(root?: string): Promise<Scratch> {
  const large = await createRoot(root ?? tmpdir())
  const memory = root === undefined ? await memoryRoot() : undefined
  const small = memory === undefined ? large : await createRoot(memory)
  const paths = [...new Set([small, large])]
  const rootFor = (bytes: number) => (bytes > largeBytes ? large : small)
  return {
    paths,
    large,
    async folder(bytes) {
      // Synchronous: it is fast, and a thread switch would cost more.
      const path = mkdtempSync(join(rootFor(bytes), 'task-'))
      return { path, [Symbol.asyncDispose]: () => remove(path) }
    },
    lazyFolder(bytes) {
      const path = join(rootFor(bytes), `task-${crypto.randomUUID()}`)
      return {
        path,
        create: () => void mkdirSync(path, { recursive: true, mode: 0o700 }),
        async [Symbol.asyncDispose]() {
          if (existsSync(path)) await remove(path)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(paths.map(remove))
    },
  }
}

async function createRoot(home: string): Promise<string> {
  await mkdir(home, { recursive: true })
  await sweep(home)
  // The start time is part of the name, because process ids are reused.
  return mkdtemp(join(home, [prefix, hostname(), process.pid, startOf(process.pid), ''].join('~')))
}

async function memoryRoot(): Promise<string | undefined> {
  const path = '/dev/shm'
  try {
    accessSync(path, constants.W_OK)
    const { type, bavail, bsize } = await statfs(path)
    return type === tmpfsMagic && bavail * bsize >= minTmpfsBytes ? path : undefined
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
    // Another process may sweep at the same time, or another user may own the folder.
    await remove(join(home, name)).catch(() => {})
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

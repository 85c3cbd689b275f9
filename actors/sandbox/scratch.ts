import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findMemoryFolder } from '@pixelflow/platform/memory-folder'
import { createProcessFolder } from '@pixelflow/platform/process-folder'

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

/**
 * Creates the scratch folders of this process, and removes those of dead processes of this machine.
 * @param root one folder for everything; by default a tmpfs with enough space, and the system's temporary folder
 */
export async function openScratch(root?: string): Promise<Scratch> {
  const large = await createProcessFolder(root ?? tmpdir(), prefix)
  const memory = root === undefined ? await findMemoryFolder() : undefined
  const small = memory === undefined ? large : await createProcessFolder(memory, prefix)
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

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}

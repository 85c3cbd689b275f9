import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { useSettingFolder } from '../config/setting-folder.ts'
import { sharedSettings } from '../config/shared-settings.ts'
import { createProcessFolder } from '../process-folder.ts'
import type { SharedCacheOptions } from '../shared-cache/shared-cache.ts'
import { createSharedFile, type SharedFile } from './shared-file.ts'

/** Begins the names of the folders of processes in the shared folder. */
export const sharedFilesPrefix = 'pixelflow-call'

/**
 * Files that exist while a call runs, for other processes of this machine and user: large bytes need not be sent to them. They
 * lie in a folder of this process, which is removed with it; their names cannot be guessed.
 */
export interface SharedFiles extends AsyncDisposable {
  /** A new file; undefined when no folder is configured, or when the file cannot be created. */
  create(): SharedFile | undefined
}

/**
 * Opens the folder for files of this process in the folder of the shared cache, and removes what dead processes have left.
 * @throws InvalidSettings when the folder cannot be used, or other users can enter it.
 */
export async function openSharedFiles({
  sharedCacheDir: home,
  sharedCacheBytes,
}: Pick<SharedCacheOptions, 'sharedCacheDir' | 'sharedCacheBytes'>): Promise<SharedFiles> {
  if (home === undefined || sharedCacheBytes === 0) return noSharedFiles
  useSettingFolder(sharedSettings.sharedCacheDir.env, home)
  const folder = await createProcessFolder(home, sharedFilesPrefix)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // Processes end without disposing when they are told twice to stop.
  process.on('exit', remove)
  return {
    create() {
      const file = crypto.randomUUID()
      return createSharedFile(join(folder, file), `${basename(folder)}/${file}`)
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', remove)
      remove()
    },
  }
}

/** The files of a process for which no folder is configured: there are none. */
export const noSharedFiles: SharedFiles = {
  create: () => undefined,
  async [Symbol.asyncDispose]() {},
}

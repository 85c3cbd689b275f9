import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { isProcessFolder, removeDeadFolders } from '../process-folder.ts'
import { sharedFilesPrefix } from './shared-files.ts'

/** Finds the files that other processes of this machine share. */
export interface SharedFileFinder {
  /** The path of a complete file; undefined when this machine has none of that name and size. */
  find(name: string, bytes: number): string | undefined
  /** Removes the files of processes that have ended. Never fails. */
  removeDead(): Promise<void>
}

/** @param home the folder of the shared cache; undefined when none is configured */
export function createSharedFileFinder(home: string | undefined): SharedFileFinder {
  if (home === undefined) return { find: () => undefined, async removeDead() {} }
  return {
    find(name, bytes) {
      if (!isProcessFolder(name, sharedFilesPrefix) || !validName.test(name)) return undefined
      const path = join(home, name)
      const found = lstatSync(path, { throwIfNoEntry: false })
      return found?.isFile() === true && found.size === bytes ? path : undefined
    },
    async removeDead() {
      await removeDeadFolders(home, sharedFilesPrefix).catch(() => {})
    },
  }
}

/** The folder of a process and a file in it: a name leads nowhere else. */
const validName = /^[\w.~-]+\/[\w-]+$/

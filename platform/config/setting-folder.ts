import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidSettings } from './read-settings.ts'
import { othersMask, ownerOnlyFolder } from './private-folder.ts'

/**
 * Uses the folder that a setting names for files that no other user may see. A missing folder is created for the user of this
 * process only, with its parent folders. An existing one is never changed, because other programs may use it, such as `/tmp`.
 * @param variable name of the environment variable
 * @throws InvalidSettings when other users can enter the folder, or it cannot be created or written.
 */
export function useSettingFolder(variable: string, path: string): void {
  const found = createFolder(path)
  if (found !== undefined)
    throw new InvalidSettings([{ variable: `${variable}=${JSON.stringify(path)}`, ...found }])
}

interface Problem {
  readonly problem: string
  readonly remedy: string
}

function createFolder(path: string): Problem | undefined {
  const remedy = 'Give the path of a folder that this user can create or write.'
  try {
    const existing = lstatSync(path, { throwIfNoEntry: false })
    if (existing?.isSymbolicLink()) return { problem: 'is a symbolic link', remedy: 'Give its target.' }
    if (existing?.isDirectory() === false) return { problem: 'is not a folder', remedy }
    mkdirSync(path, { recursive: true, mode: ownerOnlyFolder })
    const shared = findOtherUsers(path)
    if (shared !== undefined) return shared
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return { problem: `cannot be created or written: ${(error as Error).message}`, remedy }
  }
}

/** Why other users could see or change the files in a folder. Only POSIX systems have owners and modes. */
function findOtherUsers(path: string): Problem | undefined {
  const { uid, mode } = lstatSync(path)
  const own = process.geteuid?.()
  if (own === undefined) return undefined
  const remedy = `Give a folder of its own, such as ${join(path, 'pixelflow')}. It is created when it does not exist.`
  if (uid !== own) return { problem: `belongs to another user (uid ${uid})`, remedy }
  if ((mode & othersMask) !== 0) return { problem: 'can be entered or read by other users', remedy }
  return undefined
}

import { chmodSync, lstatSync, mkdirSync } from 'node:fs'

/** Mode of a folder that only its owner can enter. */
export const ownerOnlyFolder = 0o700
const ownerOnlyFile = 0o600
/** The mode bits for the group and for others. */
export const othersMask = 0o077

/** A folder or file that other users could access. */
export class UnsafePath extends Error {
  override readonly name = 'UnsafePath'
  readonly problem: string
  readonly remedy: string

  constructor(problem: string, remedy: string) {
    super(`${problem} ${remedy}`)
    this.problem = problem
    this.remedy = remedy
  }
}

/**
 * Creates a folder that only the user of this process can enter, with its parent folders. An existing folder gets the same
 * mode, because older versions left the files in it readable for others. So `path` must be a name that the product chose; for
 * one that a setting contains, use `useSettingFolder`.
 * @throws UnsafePath when it belongs to another user or is a symbolic link; Error when it cannot be created.
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: ownerOnlyFolder })
  restrict(path, ownerOnlyFolder)
}

/**
 * Makes a file readable for the user of this process only. Does nothing when the file does not exist.
 * @throws UnsafePath when it belongs to another user or is a symbolic link.
 */
export function makePrivateFile(path: string): void {
  restrict(path, ownerOnlyFile)
}

function restrict(path: string, mode: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  // Only POSIX systems have owners and modes.
  const own = process.geteuid?.()
  if (found === undefined || own === undefined) return
  if (found.isSymbolicLink()) {
    throw new UnsafePath(`${path} is a symbolic link.`, 'Replace it with its target.')
  }
  if (found.uid !== own) {
    throw new UnsafePath(
      `${path} belongs to another user (uid ${found.uid}), who could read and change its content.`,
      `Remove it, or give it to the user of this process: chown -R ${own} ${path}`,
    )
  }
  if ((found.mode & othersMask) !== 0) chmodSync(path, mode)
}

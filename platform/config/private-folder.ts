import { chmodSync, lstatSync, mkdirSync } from 'node:fs'

const ownerOnlyFolder = 0o700
const ownerOnlyFile = 0o600
/** The bits of a mode that let the group or everybody in. */
const othersMask = 0o077

/** A folder or file that cannot be kept from other users. */
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
 * Makes a folder that only the user of this process can enter, with the folders above it. One that exists with a wider
 * mode gets the narrow one, because file modes below it may be wide as well.
 * @throws UnsafePath when it belongs to another user or is a symbolic link; Error when it cannot be made.
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: ownerOnlyFolder })
  restrict(path, ownerOnlyFolder)
}

/**
 * Lets only the user of this process read a file. Does nothing when there is no file.
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
    throw new UnsafePath(`${path} is a symbolic link.`, 'Replace it by what it points to.')
  }
  if (found.uid !== own) {
    throw new UnsafePath(
      `${path} belongs to another user (uid ${found.uid}), who could read and change what is kept there.`,
      `Remove it, or give it to the user of this process: chown -R ${own} ${path}`,
    )
  }
  if ((found.mode & othersMask) !== 0) chmodSync(path, mode)
}

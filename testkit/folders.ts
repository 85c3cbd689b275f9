import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Creates empty folders, and removes all of them at the end. */
export interface Folders extends AsyncDisposable {
  /** The folder that contains the others. */
  readonly home: string
  create(): Promise<string>
}

export async function openFolders(prefix: string): Promise<Folders> {
  const home = await mkdtemp(join(tmpdir(), prefix))
  let serial = 0
  return {
    home,
    async create() {
      const path = join(home, String((serial += 1)))
      await mkdir(path)
      return path
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}

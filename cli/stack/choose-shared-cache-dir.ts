import { join, resolve } from 'node:path'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import { findMemoryFolder } from '@pixelflow/platform/memory-folder'

/**
 * The folder in which the processes of one `up` share bytes: in memory if this system offers that, else in the data folder.
 * Another `up` of the same data folder has the same one, so leftovers of a killed one are found and removed.
 */
export async function chooseSharedCacheDir(dataDir: string): Promise<string> {
  const memory = await findMemoryFolder()
  const onDisk = join(dataDir, 'shared-cache')
  if (memory === undefined) return onDisk
  const digest = new Bun.CryptoHasher('sha256').update(resolve(dataDir)).digest('hex')
  const path = join(memory, `pixelflow-shared-${process.geteuid?.() ?? 0}-${digest.slice(0, 16)}`)
  try {
    makePrivateFolder(path)
    return path
  } catch {
    // Every user may create folders there, so another one may own the name.
    return onDisk
  }
}

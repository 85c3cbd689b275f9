import { accessSync, constants } from 'node:fs'
import { statfs } from 'node:fs/promises'

/** A smaller tmpfs is not used; many containers have one of 64 MiB. */
const minFreeBytes = 1024 * 1024 * 1024
const tmpfsMagic = 0x01021994

/** A folder whose files are in memory (tmpfs), if this system has one with enough free space. */
export async function findMemoryFolder(): Promise<string | undefined> {
  const path = '/dev/shm'
  try {
    accessSync(path, constants.W_OK)
    const { type, bavail, bsize } = await statfs(path)
    return type === tmpfsMagic && bavail * bsize >= minFreeBytes ? path : undefined
  } catch {
    return undefined
  }
}

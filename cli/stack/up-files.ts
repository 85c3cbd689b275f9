import { rmSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** The record of a running `up` for other processes. It is valid only while `up.lock` is held. */
const record = z.object({
  pid: z.int(),
  url: z.url(),
  /** Address of the gRPC port; older versions do not write it. */
  grpc: z.string().optional(),
  /** Started by a command, and runs while commands use it. */
  temporary: z.boolean(),
  startedAt: z.iso.datetime(),
  /** Folder of the recent traces; null when they are not recorded. Older versions do not write it. */
  traceRingFolder: z.string().nullable().optional(),
})
export type UpRecord = z.infer<typeof record>

/** The files of a data folder by which processes find each other. */
export function upFiles(dataDir: string) {
  const path = join(dataDir, 'up.json')
  return {
    /** The `up` of this folder holds it exclusively. */
    upLock: join(dataDir, 'up.lock'),
    /** Commands that use a temporary `up` share it. Holding it exclusively proves that no command uses the `up`. */
    usersLock: join(dataDir, 'users.lock'),
    logFile: join(dataDir, 'logs', 'up.log'),
    async read(): Promise<UpRecord | null> {
      try {
        return record.parse(await Bun.file(path).json())
      } catch {
        return null
      }
    },
    async write(value: UpRecord): Promise<void> {
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      // A new file each time, so that its mode is correct.
      rmSync(`${path}.new`, { force: true })
      await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
      await rename(`${path}.new`, path)
    },
    remove(): void {
      rmSync(path, { force: true })
    },
  }
}

import { rmSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** What a running `up` publishes to other processes. It is valid only while `up.lock` is held. */
const record = z.object({
  pid: z.int(),
  url: z.url(),
  /** Where gRPC is spoken; unknown to an older `up`. */
  grpc: z.string().optional(),
  /** Started by a client for as long as clients need it. */
  temporary: z.boolean(),
  startedAt: z.iso.datetime(),
})
export type UpRecord = z.infer<typeof record>

/** The files of one data folder by which processes find each other. */
export function upFiles(dataDir: string) {
  const path = join(dataDir, 'up.json')
  return {
    /** Held exclusively by the one `up` of this folder. */
    upLock: join(dataDir, 'up.lock'),
    /** Held shared by the commands that use a temporary `up`; holding it exclusively proves that none does. */
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
      // A new file each time, so that its mode is ours.
      rmSync(`${path}.new`, { force: true })
      await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
      await rename(`${path}.new`, path)
    },
    remove(): void {
      rmSync(path, { force: true })
    },
  }
}

import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { writePieces } from '@pixelflow/platform/write-pieces'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import { processFileName, removeStaleFiles } from './remove-stale-files.ts'
import { createGcTrigger } from './gc-trigger.ts'

/** A response body on disk, in a file that only this user can read. */
export interface SpooledFile {
  readonly path: string
  /** Deletes the file and frees its share of the spool. */
  release(): Promise<void>
}

/** Bounded disk space for large responses that are being sent. */
export interface DiskSpool extends AsyncDisposable {
  /**
   * Writes a body to a file. Waits, first come first served, while the spool is full. A body larger than the whole spool
   * is written when the spool is empty.
   * @throws what the body or the signal throws; the file is deleted first.
   */
  write(
    bytes: number,
    body: () => Promise<AsyncIterable<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<SpooledFile>
  /** Number of files that exist, complete or not. */
  readonly files: number
}

/** Opens the spool and deletes the files of processes that have ended. */
export async function openDiskSpool(folder: string, maxBytes: number): Promise<DiskSpool> {
  makePrivateFolder(folder)
  await removeStaleFiles(folder)
  const budget = createByteBudget(maxBytes)
  const open = new Set<string>()

  const remove = async (path: string, bytes: number) => {
    if (!open.delete(path)) return
    await rm(path, { force: true })
    budget.release(bytes)
  }

  return {
    async write(bytes, body, signal) {
      await budget.acquire(bytes, signal)
      const path = join(folder, processFileName())
      open.add(path)
      try {
        await writeFile(await body(), path, signal)
        return { path, release: () => remove(path, bytes) }
      } catch (thrown) {
        await remove(path, bytes)
        throw thrown
      }
    },
    get files() {
      return open.size
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...open].map((path) => rm(path, { force: true })))
    },
  }
}

async function writeFile(body: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): Promise<void> {
  const countForGc = createGcTrigger()
  const file = await open(path, 'wx', 0o600)
  try {
    await writePieces(file, body, signal, countForGc)
  } finally {
    await file.close()
  }
}

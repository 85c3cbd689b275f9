import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createBudget } from '@pixelflow/core/budget'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import { processFileName, removeStaleFiles } from '../process-files.ts'
import { createGcTrigger } from './gc-trigger.ts'

/** Bytes on their way to a client, as a file that only we know. */
export interface SpooledFile {
  readonly path: string
  /** Removes the file and makes room for others. */
  release(): Promise<void>
}

/** A bounded place on disk for large downloads under way. */
export interface DiskSpool extends AsyncDisposable {
  /**
   * Pours the bytes into a file; waits in line while the place is full. More than the whole place goes alone.
   * @throws whatever the body or the signal throws; nothing is left behind then.
   */
  fill(
    bytes: number,
    body: () => Promise<AsyncIterable<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<SpooledFile>
  /** How many downloads hold or fill a file. */
  readonly files: number
}

/** Opens the place, and clears it of what dead processes have left there. */
export async function openDiskSpool(folder: string, maxBytes: number): Promise<DiskSpool> {
  makePrivateFolder(folder)
  await removeStaleFiles(folder)
  const budget = createBudget(maxBytes)
  const open = new Set<string>()

  const remove = async (path: string, bytes: number) => {
    if (!open.delete(path)) return
    await rm(path, { force: true })
    budget.give(bytes)
  }

  return {
    async fill(bytes, body, signal) {
      await budget.take(bytes, signal)
      const path = join(folder, processFileName())
      open.add(path)
      try {
        await pour(await body(), path, signal)
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

async function pour(body: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): Promise<void> {
  const sweep = createGcTrigger()
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of body) {
      signal.throwIfAborted()
      for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
      sweep(chunk.length)
    }
  } finally {
    await file.close()
  }
}

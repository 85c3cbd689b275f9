import { readdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ringFiles } from './ring-file.ts'

export interface RingLimits {
  /** Limit of all files together. */
  readonly maxBytes: number
  /** Limit of one file. Each file counts as this at least, because its process may still write to it. */
  readonly maxFileBytes: number
}

/**
 * Deletes the files that were written longest ago, until the ring has space for `newFiles` more. The order of the last writes
 * keeps the current file of a process with little work, while another process fills many. Takes less than a millisecond.
 */
export function evictFiles(folder: string, { maxBytes, maxFileBytes }: RingLimits, newFiles: number): void {
  const files = ringFiles(readdirSync(folder)).flatMap(({ name }) => {
    const path = join(folder, name)
    // Another process may delete it at the same time.
    const found = statSync(path, { throwIfNoEntry: false })
    return found === undefined
      ? []
      : [{ path, bytes: Math.max(found.size, maxFileBytes), writtenMs: found.mtimeMs }]
  })
  let excess = files.reduce((sum, { bytes }) => sum + bytes, newFiles * maxFileBytes) - maxBytes
  for (const { path, bytes } of files.sort((a, b) => a.writtenMs - b.writtenMs)) {
    if (excess <= 0) return
    unlinkUnlessMissing(path)
    excess -= bytes
  }
}

function unlinkUnlessMissing(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

import { renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { entryFile, readMode } from './entry-file.ts'
import type { CacheKey } from './shared-cache.ts'

/** The files of this process: how many bytes they have, and which go first. */
export interface CacheEntries extends Disposable {
  readonly bytes: number
  readonly maxBytes: number
  /** A path for an unfinished file. It counts from now on, and `onExpired` is called when it is too old. */
  open(onExpired: () => void): UnfinishedFile
  remove(key: Omit<CacheKey, 'bytes'>): void
}

export interface UnfinishedFile {
  readonly path: string
  /** Frees space for more bytes of the file; false when there is none. */
  grow(bytes: number): boolean
  /** Gives the file its name. */
  finish(key: Omit<CacheKey, 'bytes'>): void
  /** Removes the file. No effect after the end. */
  discard(): void
}

export interface CacheEntriesOptions {
  readonly folder: string
  readonly maxBytes: number
  readonly maxAgeMs: number
  /** Called after old files were removed. */
  readonly onExpired: () => void
}

interface Entry {
  readonly path: string
  readonly bytes: number
  /** Of the monotonic clock. */
  readonly since: number
}

/**
 * When space is needed, files that were read go first, the oldest before others. Files that no process has read are not
 * removed for newer ones: while tasks wait in a long queue, the oldest file is the next that is read.
 */
export function createCacheEntries(options: CacheEntriesOptions): CacheEntries {
  const { folder, maxBytes, maxAgeMs, onExpired } = options
  /** In the order of their age. */
  const finished = new Map<string, Entry>()
  const unfinished = new Map<UnfinishedFile, { readonly since: number; readonly onExpired: () => void }>()
  let bytes = 0
  let created = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const forget = (name: string) => {
    const entry = finished.get(name)
    if (entry === undefined) return
    finished.delete(name)
    rmSync(entry.path, { force: true })
    bytes -= entry.bytes
  }
  const freeSpace = (needed: number): boolean => {
    if (needed > maxBytes) return false
    for (const [name, { path }] of finished) {
      if (bytes + needed <= maxBytes) return true
      const found = statSync(path, { throwIfNoEntry: false })
      // Another process may have removed it.
      if (found === undefined || (found.mode & 0o777) === readMode) forget(name)
    }
    return bytes + needed <= maxBytes
  }
  const expire = () => {
    timer = undefined
    const oldest = performance.now() - maxAgeMs
    for (const [name, { since }] of finished) {
      if (since > oldest) break
      forget(name)
    }
    for (const one of unfinished.values()) if (one.since <= oldest) one.onExpired()
    schedule()
    onExpired()
  }
  /** One timer for the oldest file; none while there are no files. */
  const schedule = () => {
    const [first] = finished.values()
    const [opened] = unfinished.values()
    const since = Math.min(first?.since ?? Infinity, opened?.since ?? Infinity)
    if (timer !== undefined || since === Infinity) return
    // Rounded up, so that many files expire together.
    timer = setTimeout(expire, Math.max(0, since + maxAgeMs - performance.now()) + Math.min(1000, maxAgeMs))
    timer.unref()
  }

  return {
    get bytes() {
      return bytes
    },
    maxBytes,
    open(onFileExpired) {
      created += 1
      const path = join(folder, `unfinished-${created}`)
      const since = performance.now()
      let size = 0
      const file: UnfinishedFile = {
        path,
        grow(more) {
          if (!unfinished.has(file) || !freeSpace(more)) return false
          size += more
          bytes += more
          return true
        },
        finish(key) {
          if (!unfinished.delete(file)) return
          const name = entryFile(key)
          forget(name)
          const to = join(folder, name)
          try {
            renameSync(path, to)
            finished.set(name, { path: to, bytes: size, since })
          } catch {
            rmSync(path, { force: true })
            bytes -= size
          }
        },
        discard() {
          if (!unfinished.delete(file)) return
          rmSync(path, { force: true })
          bytes -= size
        },
      }
      unfinished.set(file, { since, onExpired: onFileExpired })
      schedule()
      return file
    },
    remove: (key) => forget(entryFile(key)),
    [Symbol.dispose]() {
      clearTimeout(timer)
      timer = undefined
      for (const one of unfinished.values()) one.onExpired()
    },
  }
}

import { rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import { useSettingFolder } from '../config/setting-folder.ts'
import { sharedSettings } from '../config/shared-settings.ts'
import { createProcessFolder, removeDeadFolders } from '../process-folder.ts'
import { createCacheEntries } from './cache-entries.ts'
import { foldersPrefix } from './entry-file.ts'
import { createEntryWriter, type EntryWriter } from './entry-writer.ts'
import { noSharedCache } from './no-shared-cache.ts'
import { createEntryReader } from './entry-reader.ts'

/** What a cached file holds. It is found only by its account together with its digest. */
export interface CacheKey {
  readonly account: string
  /** Hexadecimal SHA-256 of the content. */
  readonly sha256: string
  readonly bytes: number
}

/**
 * Copies of stored bytes in files, for other processes of this machine and user: they save reading back from the store what
 * was just written. Nothing depends on an entry. It disappears after a while, when its process ends, and when space is needed.
 *
 * Each process writes into a folder of its own, so its bytes are counted without a lock, and reads those of all.
 */
export interface SharedCache extends AsyncDisposable {
  /**
   * Begins an entry. Never fails: without space, or for a file that is too small or too large, nothing is kept.
   * @param announcedBytes its expected size: for one that is too large, nothing is written and no other entry is removed
   */
  begin(announcedBytes?: number): EntryWriter
  /** Makes the content appear as a new file at `path`, without copying it if possible. False when it is not cached. */
  link(key: CacheKey, path: string): boolean
  /** The content, or part of it; undefined when it is not cached. Iterate it, because a file is open. */
  read(key: CacheKey, range?: ByteRange): AsyncIterable<Uint8Array> | undefined
  /** Removes the content from the folders of all processes. */
  remove(key: Omit<CacheKey, 'bytes'>): void
  /** Bytes of the files of this process. */
  readonly bytes: number
}

export interface SharedCacheOptions {
  /** Shared by the processes; no other user can enter it. Without it, nothing is cached. */
  readonly sharedCacheDir: string | undefined
  /** Limit of all files of this process together; with 0, nothing is cached. */
  readonly sharedCacheBytes: number
  /** Age at which an entry is removed. */
  readonly sharedCacheAgeMs: number
}

/**
 * Opens the cache, and removes what dead processes have left.
 * @throws InvalidSettings when the folder cannot be used, or other users can enter it.
 */
export async function openSharedCache({
  sharedCacheDir: home,
  sharedCacheBytes: maxBytes,
  sharedCacheAgeMs: maxAgeMs,
}: SharedCacheOptions): Promise<SharedCache> {
  if (home === undefined || maxBytes === 0) return noSharedCache
  useSettingFolder(sharedSettings.sharedCacheDir.env, home)
  const folder = await createProcessFolder(home, foldersPrefix)
  // Processes end without disposing when they are told twice to stop.
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true })
  process.on('exit', removeAtExit)
  const onExpired = () => void removeDeadFolders(home, foldersPrefix).catch(() => {})
  const reader = createEntryReader(home, maxAgeMs)
  const entries = createCacheEntries({ folder, maxBytes, maxAgeMs, onExpired })

  return {
    begin: (announcedBytes) => createEntryWriter(entries, announcedBytes),
    link: (key, path) => reader.link(key, path),
    read: (key, range) => reader.read(key, range),
    remove(key) {
      entries.remove(key)
      reader.remove(key)
    },
    get bytes() {
      return entries.bytes
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', removeAtExit)
      entries[Symbol.dispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { closeSync, openSync, writeSync } from 'node:fs'
import type { CacheEntries, UnfinishedFile } from './cache-entries.ts'
import { unreadMode } from './entry-file.ts'

/** An entry that is being written. Exactly one of `commit` and `discard` ends it; nothing fails. */
export interface EntryWriter {
  /** Writes bytes. The caller may reuse the chunk afterwards. */
  append(chunk: Uint8Array): void
  /** Makes the entry readable. @param sha256 of all bytes */
  commit(account: string, sha256: string): void
  /** Removes the entry. No effect after the end. */
  discard(): void
}

/** Smaller files are not cached: that costs as much as reading them from the store. */
const minEntryBytes = 48 * 1024
/** Share of the cache that one entry may take. */
const maxShare = 1 / 4

export function createEntryWriter(entries: CacheEntries, announcedBytes = 0): EntryWriter {
  const maxEntryBytes = entries.maxBytes * maxShare
  /** The first bytes, until there are enough of them for a file. */
  let head: Uint8Array[] = []
  let bytes = 0
  let file: UnfinishedFile | undefined
  let descriptor: number | undefined
  let isOver = announcedBytes > maxEntryBytes

  const end = () => {
    isOver = true
    head = []
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  const discard = () => {
    end()
    file?.discard()
  }
  const write = (chunk: Uint8Array) => {
    if (file === undefined || descriptor === undefined || !file.grow(chunk.length)) return discard()
    // A short write means that the disk is full.
    if (writeSync(descriptor, chunk) < chunk.length) discard()
  }
  const openFile = () => {
    file = entries.open(discard)
    descriptor = openSync(file.path, 'wx', unreadMode)
    for (const one of head.splice(0)) write(one)
  }

  return {
    append(chunk) {
      if (isOver) return
      bytes += chunk.length
      if (bytes > maxEntryBytes) return discard()
      try {
        if (bytes < minEntryBytes) return void head.push(chunk.slice())
        if (descriptor === undefined) openFile()
        write(chunk)
      } catch {
        // A full or damaged disk: the bytes are in the store.
        discard()
      }
    },
    commit(account, sha256) {
      if (isOver || file === undefined) return discard()
      end()
      file.finish({ account, sha256 })
    },
    discard,
  }
}

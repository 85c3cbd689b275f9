import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import { listProcessFolders } from '../process-folder.ts'
import { entryFile, foldersPrefix, readMode } from './entry-file.ts'
import type { CacheKey } from './shared-cache.ts'

/** Synchronous, because the files are in memory: a thread switch would cost more. */

/** Bytes of one read. */
const pieceBytes = 256 * 1024

/** Finds entries in the folders of all processes. */
export interface EntryReader {
  /** Makes the content of an entry appear at `path`. False when there is no valid entry. */
  link(key: CacheKey, path: string): boolean
  /** Opens an entry; undefined when there is no valid one. */
  read(key: CacheKey, range?: ByteRange): AsyncIterable<Uint8Array> | undefined
  remove(key: Omit<CacheKey, 'bytes'>): void
}

/** @param home the shared folder */
export function createEntryReader(home: string, maxAgeMs: number): EntryReader {
  const pathsOf = (key: Omit<CacheKey, 'bytes'>): string[] => {
    try {
      const file = entryFile(key)
      return listProcessFolders(home, foldersPrefix).map((folder) => join(folder, file))
    } catch {
      // The folder was removed.
      return []
    }
  }

  return {
    link(key, path) {
      for (const entry of pathsOf(key)) {
        if (!isValid(statSync(entry, { throwIfNoEntry: false }), key, maxAgeMs)) continue
        try {
          linkOrCopy(entry, path)
          chmodSync(entry, readMode)
          return true
        } catch {
          // Removed meanwhile, or no space for a copy.
          rmSync(path, { force: true })
        }
      }
      return false
    },
    read(key, range = { start: 0, end: key.bytes - 1 }) {
      for (const entry of pathsOf(key)) {
        const file = tryOpen(entry)
        if (file === undefined) continue
        if (isValid(fstatSync(file), key, maxAgeMs)) {
          if (range.end >= key.bytes - 1) markRead(entry)
          return readPieces(file, range.start, Math.min(range.end + 1, key.bytes))
        }
        closeSync(file)
      }
      return undefined
    },
    remove(key) {
      for (const entry of pathsOf(key)) rmSync(entry, { force: true })
    },
  }
}

/** A file that has another size is damaged; one that is too old was left by a dead process. */
function isValid(found: Stats | undefined, { bytes }: CacheKey, maxAgeMs: number): boolean {
  return found?.isFile() === true && found.size === bytes && Date.now() - found.mtimeMs < maxAgeMs
}

function linkOrCopy(entry: string, path: string): void {
  try {
    linkSync(entry, path)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') {
      rmSync(path)
      linkSync(entry, path)
    } else if (code === 'EXDEV') copyFileSync(entry, path, constants.COPYFILE_FICLONE)
    else throw thrown
  }
}

function tryOpen(path: string): number | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return undefined
  }
}

function markRead(path: string): void {
  try {
    chmodSync(path, readMode)
  } catch {
    // Removed meanwhile; the open file is still readable.
  }
}

async function* readPieces(file: number, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  try {
    for (let at = start; at < end;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - at))
      const bytesRead = readSync(file, piece, 0, piece.length, at)
      if (bytesRead === 0) throw new Error('a cached file became shorter while it was read')
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    closeSync(file)
  }
}

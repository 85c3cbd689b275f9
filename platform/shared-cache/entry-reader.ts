import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
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
  /**
   * Opens an entry, which the iteration closes; undefined when there is no valid one. The whole content is checked against
   * its digest before the last bytes are yielded. When it differs, the entry is removed, and the iteration fails with
   * `storage_failed`: another try reads the store.
   */
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
  /** The descriptor of a valid entry. */
  const openValid = (path: string, key: CacheKey): number | undefined => {
    const file = tryOpen(path)
    if (file === undefined || isValid(fstatSync(file), key, maxAgeMs)) return file
    closeSync(file)
    return undefined
  }
  const remove: EntryReader['remove'] = (key) => {
    for (const entry of pathsOf(key)) rmSync(entry, { force: true })
  }

  return {
    link(key, path) {
      for (const entry of pathsOf(key)) {
        if (!isValid(lstatSync(entry, { throwIfNoEntry: false }), key, maxAgeMs)) continue
        try {
          linkOrCopy(entry, path)
          const file = openValid(path, key)
          if (file !== undefined) {
            fchmodSync(file, readMode)
            closeSync(file)
            return true
          }
        } catch {
          // Removed meanwhile, or no space for a copy.
        }
        rmSync(path, { force: true })
      }
      return false
    },
    read(key, range = { start: 0, end: key.bytes - 1 }) {
      for (const entry of pathsOf(key)) {
        const file = openValid(entry, key)
        if (file === undefined) continue
        const isToEnd = range.end >= key.bytes - 1
        if (isToEnd) fchmodSync(file, readMode)
        if (isToEnd && range.start === 0) return readWhole(file, key, () => remove(key))
        return readRange(file, range.start, Math.min(range.end + 1, key.bytes))
      }
      return undefined
    },
    remove,
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
  // An exception for each folder without the entry would cost more.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}

function* readPieces(file: number, start: number, end: number): Generator<Uint8Array, void> {
  try {
    for (let at = start; at < end;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - at))
      const bytesRead = readSync(file, piece, 0, piece.length, at)
      if (bytesRead === 0) throw damaged()
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    closeSync(file)
  }
}

async function* readRange(file: number, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  yield* readPieces(file, start, end)
}

async function* readWhole(file: number, { bytes, sha256 }: CacheKey, onDamaged: () => void) {
  const hasher = new Bun.CryptoHasher('sha256')
  let left = bytes
  for (const piece of readPieces(file, 0, bytes)) {
    hasher.update(piece)
    left -= piece.length
    if (left === 0 && hasher.digest('hex') !== sha256) {
      onDamaged()
      throw damaged()
    }
    yield piece
  }
}

function damaged(): Fault {
  return new Fault('storage_failed', 'A cached file was damaged.', {
    remedy: 'Try again.',
    retryAfterMs: 1000,
  })
}

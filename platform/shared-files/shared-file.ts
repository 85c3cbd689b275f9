import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'

/** A file of one call. Synchronous, because it is in memory: a thread switch would cost more. */
export interface SharedFile {
  /** The name under which another process finds it. */
  readonly name: string
  readonly bytes: number
  /** Writes bytes; false when there is no space, which leaves the file as it was. The caller may reuse the chunk. */
  append(chunk: Uint8Array): boolean
  /** The content in pieces of `size` bytes; the last one may be shorter. */
  pieces(size: number): Generator<Uint8Array, void>
  /** Removes the file. A process that has opened it can still read it. May be called again. */
  remove(): void
}

/** @returns undefined when the file cannot be created. */
export function createSharedFile(path: string, name: string): SharedFile | undefined {
  const file = tryCreate(path)
  if (file === undefined) return undefined
  let bytes = 0
  let isRemoved = false
  return {
    name,
    get bytes() {
      return bytes
    },
    append(chunk) {
      try {
        // A short write means that there is no space.
        if (writeSync(file, chunk, 0, chunk.length, bytes) < chunk.length) return false
      } catch {
        return false
      }
      bytes += chunk.length
      return true
    },
    *pieces(size) {
      for (let at = 0; at < bytes;) {
        const piece = Buffer.allocUnsafeSlow(Math.min(size, bytes - at))
        const bytesRead = readSync(file, piece, 0, piece.length, at)
        if (bytesRead === 0) throw new Error('a shared file became shorter while it was read')
        at += bytesRead
        yield piece.subarray(0, bytesRead)
      }
    },
    remove() {
      if (isRemoved) return
      isRemoved = true
      closeSync(file)
      rmSync(path, { force: true })
    },
  }
}

function tryCreate(path: string): number | undefined {
  try {
    return openSync(path, 'wx+', 0o600)
  } catch {
    return undefined
  }
}

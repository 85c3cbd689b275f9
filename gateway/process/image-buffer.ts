import { rechunk } from '@pixelflow/core/concat-bytes'
import { freeBytes } from '@pixelflow/core/free-bytes'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import type { SharedFile } from '@pixelflow/platform/shared-files/shared-file'
import type { InlineProcessing } from '../ports.ts'

/** The bytes of an image that a call holds. */
export interface ImageContent {
  readonly bytes: number
  /** Name of the shared file that holds them; undefined when they are in the memory of this process. */
  readonly file: string | undefined
  /** The bytes in pieces of `size`, each in chunks; the last one may be shorter. */
  pieces(size: number): Iterable<readonly Uint8Array[]>
}

/** Receives a file while it fits into the memory for inline calls, else into the store. */
export interface ImageBuffer {
  write(chunk: Uint8Array): Promise<void>
  /** The complete file; undefined when it is in the store. */
  readonly content: ImageContent | undefined
  moveToStore(): Promise<BlobWrite>
  /** Frees the memory, and deletes the bytes unless they were stored. May be called again. */
  drop(): Promise<void>
}

/** Shorter chunks are copied together in blocks of this size, so that the memory in use is about the memory counted. */
const blockBytes = 16 * 1024
/** A shorter file is not shared: sending it costs less, and workers get it in a message. */
const minFileBytes = 48 * 1024
const copyBytes = 256 * 1024

/**
 * Holds a file in a shared file, or in memory in the chunks in which it arrives. Large chunks are kept without a copy, which
 * would double the cost of receiving.
 */
export function createImageBuffer(
  { maxBytes, memory, files }: InlineProcessing,
  begin: () => Promise<BlobWrite>,
): ImageBuffer {
  const chunks: Uint8Array[] = []
  /** Collects short chunks; comes after `chunks`. */
  let block: Uint8Array | undefined
  let filled = 0
  /** Holds everything, once it exists. */
  let file: SharedFile | undefined
  let canShare = true
  let length = 0
  let acquired = 0
  let write: BlobWrite | undefined

  const acquire = (bytes: number): boolean => {
    if (!memory.tryAcquire(bytes)) return false
    acquired += bytes
    return true
  }
  const closeBlock = () => {
    if (block !== undefined) chunks.push(block.subarray(0, filled))
    block = undefined
    filled = 0
  }
  const appendToMemory = (chunk: Uint8Array): boolean => {
    if (chunk.length >= blockBytes) {
      if (!acquire(chunk.length)) return false
      closeBlock()
      chunks.push(chunk)
      return true
    }
    if (block !== undefined && filled + chunk.length > block.length) closeBlock()
    if (block === undefined) {
      if (!acquire(blockBytes)) return false
      block = new Uint8Array(blockBytes)
    }
    block.set(chunk, filled)
    filled += chunk.length
    return true
  }
  /** The folder has no space, or does not exist. */
  const stopSharing = () => {
    canShare = false
    if (file === undefined) return
    chunks.push(...file.pieces(copyBytes))
    file.remove()
    file = undefined
  }
  const moveToFile = () => {
    file = files.create()
    if (file === undefined) return stopSharing()
    closeBlock()
    const kept = chunks.splice(0)
    for (let first = kept[0]; first !== undefined && file.append(first); first = kept[0]) {
      kept.shift()
      freeBytes(first)
    }
    if (kept.length === 0) return
    stopSharing()
    chunks.push(...kept)
  }
  const appendToFile = (to: SharedFile, chunk: Uint8Array): boolean => {
    if (!acquire(chunk.length)) return false
    if (to.append(chunk)) {
      freeBytes(chunk)
      return true
    }
    stopSharing()
    chunks.push(chunk)
    return true
  }
  /** False when the chunk does not fit. */
  const append = (chunk: Uint8Array): boolean => {
    const chunkBytes = chunk.length
    if (length + chunkBytes > maxBytes) return false
    if (file !== undefined ? !appendToFile(file, chunk) : !appendToMemory(chunk)) return false
    length += chunkBytes
    if (file === undefined && canShare && length >= minFileBytes) moveToFile()
    return true
  }
  const pieces = function* (size: number): Generator<readonly Uint8Array[], void> {
    if (file === undefined) return yield* rechunk(chunks, size)
    for (const piece of file.pieces(size)) yield [piece]
  }
  const clear = () => {
    chunks.length = 0
    block = undefined
    file?.remove()
    memory.release(acquired)
    acquired = 0
  }
  const moveToStore = async (): Promise<BlobWrite> => {
    if (write !== undefined) return write
    write = await begin()
    closeBlock()
    for (const piece of pieces(copyBytes)) for (const chunk of piece) await write.write(chunk)
    clear()
    return write
  }

  return {
    async write(chunk) {
      if (write !== undefined || !append(chunk)) await (await moveToStore()).write(chunk)
    },
    get content() {
      if (write !== undefined) return undefined
      closeBlock()
      return { bytes: length, file: file?.name, pieces }
    },
    moveToStore,
    async drop() {
      clear()
      await write?.abort()
    },
  }
}

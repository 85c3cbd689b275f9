import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import {
  digestMismatch,
  receiveImage,
  requireAcceptable,
  type ImageUpload,
  type ReceivedImage,
} from '../images/receive-image.ts'
import {
  createStorable,
  storeImage,
  type ImageStores,
  type Storable,
  type StoreImageOptions,
} from '../images/store-image.ts'
import type { InlineProcessing, Ports } from '../ports.ts'
import { digestSha256 } from '../digest-sha256.ts'

/** An image of an inline call: in memory or, when it did not fit, in the store. */
export interface BufferedImage extends ReceivedImage, Storable {
  /** The complete file in the chunks in which it arrived; undefined when it is in the store. */
  readonly chunks: readonly Uint8Array[] | undefined
  /** Frees the memory, and deletes the bytes unless they were stored as an image. May be called again. */
  drop(): Promise<void>
}

/**
 * Receives an image that is to be processed immediately, with the checks of an upload. A small one stays in memory,
 * whose sum over all calls is bounded; a larger one is moved to the store as soon as it does not fit.
 * @throws Fault as `uploadImage` does.
 */
export function bufferImage(ports: ImageStores & Pick<Ports, 'limits' | 'inline'>) {
  const { sources, limits, inline } = ports
  return async (who: Principal, upload: ImageUpload): Promise<BufferedImage> => {
    requireScope(who, 'images:write')
    requireAcceptable(upload, limits)
    const buffer = createImageBuffer(inline, () => sources.begin())
    try {
      const received = await receiveImage(upload, buffer, limits)
      const announced = upload.sha256?.()
      const { chunks } = buffer
      if (chunks !== undefined && announced !== undefined && announced !== digestSha256(chunks))
        throw digestMismatch()
      const store = async <T>(options?: StoreImageOptions<T>) =>
        storeImage(ports, who, await buffer.moveToStore(), received, announced, options)
      return {
        ...received,
        chunks,
        ...createStorable(ports, store),
        drop: buffer.drop,
      }
    } catch (thrown) {
      await buffer.drop()
      throw thrown
    }
  }
}

/** Shorter chunks are copied together in blocks of this size, so that the memory in use is about the memory counted. */
const blockBytes = 16 * 1024

/** Holds a file in memory while it fits. Large chunks are kept without a copy, which would double the cost of receiving. */
function createImageBuffer({ maxBytes, memory }: InlineProcessing, begin: () => Promise<BlobWrite>) {
  const chunks: Uint8Array[] = []
  /** Collects short chunks; comes after `chunks`. */
  let block: Uint8Array | undefined
  let filled = 0
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
  /** False when the chunk does not fit. */
  const append = (chunk: Uint8Array): boolean => {
    if (length + chunk.length > maxBytes) return false
    if (chunk.length >= blockBytes) {
      if (!acquire(chunk.length)) return false
      closeBlock()
      chunks.push(chunk)
    } else {
      if (block !== undefined && filled + chunk.length > block.length) closeBlock()
      if (block === undefined) {
        if (!acquire(blockBytes)) return false
        block = new Uint8Array(blockBytes)
      }
      block.set(chunk, filled)
      filled += chunk.length
    }
    length += chunk.length
    return true
  }
  const clear = () => {
    chunks.length = 0
    block = undefined
    memory.release(acquired)
    acquired = 0
  }
  const moveToStore = async (): Promise<BlobWrite> => {
    if (write !== undefined) return write
    write = await begin()
    closeBlock()
    for (const chunk of chunks) await write.write(chunk)
    clear()
    return write
  }

  return {
    async write(chunk: Uint8Array) {
      if (write !== undefined || !append(chunk)) await (await moveToStore()).write(chunk)
    },
    get chunks() {
      if (write !== undefined) return undefined
      closeBlock()
      return [...chunks]
    },
    moveToStore,
    async drop() {
      clear()
      await write?.abort()
    },
  }
}

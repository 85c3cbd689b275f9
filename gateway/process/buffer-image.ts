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
import type { Ports } from '../ports.ts'
import { digestSha256 } from '../digest-sha256.ts'
import { createImageBuffer, type ImageContent } from './image-buffer.ts'

/** An image of an inline call: in memory or, when it did not fit, in the store. */
export interface BufferedImage extends ReceivedImage, Storable {
  /** The complete file; undefined when it is in the store. */
  readonly content: ImageContent | undefined
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
      const { content } = buffer
      if (content !== undefined && announced !== undefined && announced !== digestOf(content))
        throw digestMismatch()
      const store = async <T>(options?: StoreImageOptions<T>) =>
        storeImage(ports, who, await buffer.moveToStore(), received, announced, options)
      return {
        ...received,
        content,
        ...createStorable(ports, store),
        drop: buffer.drop,
      }
    } catch (thrown) {
      await buffer.drop()
      throw thrown
    }
  }
}

const hashedBytes = 256 * 1024

function digestOf(content: ImageContent): string {
  return digestSha256(chunksOf(content))
}

function* chunksOf(content: ImageContent): Generator<Uint8Array, void> {
  for (const piece of content.pieces(hashedBytes)) yield* piece
}

import { formatOf } from '@pixelflow/core/format'
import { blobName } from '@pixelflow/core/image'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { createStoredContent, type StoredContent } from './stored-content.ts'
import { findImage } from './find-image.ts'
import type { Ports } from '../ports.ts'

/** The uploaded bytes of an image. @throws Fault `image_not_found`. */
export function readImage({ images, sources }: Pick<Ports, 'images' | 'sources'>) {
  return async (who: Principal, imageId: string): Promise<StoredContent> => {
    requireScope(who, 'images:read')
    const { account, sha256, bytes, format: formatId } = await findImage(images, who, imageId)
    const { mediaType, extensions } = formatOf(formatId)
    const fileName = `${imageId}.${extensions[0]}`
    return createStoredContent(sources, blobName(account, sha256), 'image_not_found', {
      bytes,
      sha256,
      mediaType,
      fileName,
    })
  }
}

import { format } from '@pixelflow/core/format'
import { blobName } from '@pixelflow/core/image'
import { demand, type Principal } from '@pixelflow/core/principal'
import { contentOf, type Content } from './content.ts'
import { findImage } from '../tasks/find.ts'
import type { Ports } from '../ports.ts'

/** The bytes of an image as they were uploaded. @throws Fault `image_not_found`. */
export function readImage({ images, sources }: Pick<Ports, 'images' | 'sources'>) {
  return async (who: Principal, imageId: string): Promise<Content> => {
    demand(who, 'images:read')
    const { account, sha256, bytes, format: formatId } = await findImage(images, who, imageId)
    const { mediaType, extensions } = format(formatId)
    const fileName = `${imageId}.${extensions[0]}`
    return contentOf(sources, blobName(account, sha256), 'image_not_found', {
      bytes,
      sha256,
      mediaType,
      fileName,
    })
  }
}

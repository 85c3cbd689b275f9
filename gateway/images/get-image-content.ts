import { formatOf } from '@pixelflow/core/format'
import { blobName } from '@pixelflow/core/image'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { imageContentInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'
import type { Ports } from '../ports.ts'
import { findImage } from './find-image.ts'
import { createStoredContent, type StoredContent } from './stored-content.ts'

/** The uploaded bytes of an image. */
export const getImageContent = declareStream({
  name: 'getImageContent',
  tag: 'images',
  summary: 'Download an image as it was uploaded',
  http: {
    method: 'GET',
    path: '/api/v1/images/{id}/content',
    head: { name: 'headImageContent', summary: 'Get the headers of the download without the content' },
  },
  access: 'images:read',
  faults: ['image_not_found', 'precondition_failed', 'range_not_satisfiable'],
  limits: 'small',
  input: imageContentInput,
  open: readImage,
})

/** @throws Fault `image_not_found`. */
function readImage({ images, sources }: Pick<Ports, 'images' | 'sources'>) {
  return async (who: Principal, imageId: string): Promise<StoredContent> => {
    requireScope(who, 'images:read')
    const { account, sha256, bytes, location, format: formatId } = await findImage(images, who, imageId)
    const { mediaType, extensions } = formatOf(formatId)
    const fileName = `${imageId}.${extensions[0]}`
    return createStoredContent(sources, blobName(account, sha256), 'image_not_found', {
      bytes,
      sha256,
      location,
      mediaType,
      fileName,
    })
  }
}

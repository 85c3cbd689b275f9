import { imageRef } from '@pixelflow/core/inputs'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { findImage } from './find-image.ts'

/**
 * Deletes the record of an image. A sweep deletes its bytes later, unless another record of the account refers to them.
 */
export const deleteImage = declareCall({
  name: 'deleteImage',
  tag: 'images',
  summary: 'Delete an image',
  description: 'Tasks of the image keep their outputs.',
  http: { method: 'DELETE', path: '/api/v1/images/{id}' },
  rpc: ImageService.method.deleteImage,
  access: 'images:write',
  faults: ['image_not_found'],
  isAudited: true,
  input: imageRef,
  output: null,
  response: { description: 'The image was deleted.' },
  open:
    ({ images, sharedCache }) =>
    async (who, { id }) => {
      const { account, sha256 } = await findImage(images, who, id)
      // False when a concurrent call has deleted it, which has the same result.
      await images.delete(who.account, id)
      sharedCache.remove({ account, sha256 })
      return { value: undefined }
    },
})

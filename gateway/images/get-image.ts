import { imageRef } from '@pixelflow/core/inputs'
import { imageView, viewImage } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { imageExample } from '../calls/examples.ts'
import { findImage } from './find-image.ts'

/** The record of an image. */
export const getImage = declareCall({
  name: 'getImage',
  tag: 'images',
  summary: 'Get an image',
  http: { method: 'GET', path: '/api/v1/images/{id}' },
  rpc: ImageService.method.getImage,
  access: 'images:read',
  faults: ['image_not_found'],
  input: imageRef,
  output: imageView,
  view: viewImage,
  response: { description: 'The image.', example: imageExample },
  open:
    ({ images }) =>
    async (who, { id }) => ({ value: await findImage(images, who, id) }),
})

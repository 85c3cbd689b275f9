import { requireScope, type Principal } from '@pixelflow/core/principal'
import { findImage } from './find-image.ts'
import type { Ports } from '../ports.ts'

/**
 * Deletes the record of an image. A sweep deletes its bytes later, unless another record of the account refers to them.
 * @throws Fault `image_not_found`.
 */
export function deleteImage({ images }: Pick<Ports, 'images'>) {
  return async (who: Principal, imageId: string): Promise<void> => {
    requireScope(who, 'images:write')
    await findImage(images, who, imageId)
    // False when a concurrent call has deleted it, which has the same result.
    await images.delete(who.account, imageId)
  }
}

import { requireScope, type Principal } from '@pixelflow/core/principal'
import { findImage } from '../tasks/find-task.ts'
import type { Ports } from '../ports.ts'

/**
 * Takes an image away. Its bytes stay until their time is over: another record of the account may point at them, or
 * come to do so at this very moment.
 * @throws Fault `image_not_found`.
 */
export function deleteImage({ images }: Pick<Ports, 'images'>) {
  return async (who: Principal, imageId: string): Promise<void> => {
    requireScope(who, 'images:write')
    await findImage(images, who, imageId)
    // False when somebody else has just deleted it: it is gone, which is all that was asked for.
    await images.delete(who.account, imageId)
  }
}

import type { ImageRecord } from '@pixelflow/core/image'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { findImage } from '../tasks/find-task.ts'
import type { Ports } from '../ports.ts'

/** Tells what is known of an image. @throws Fault `image_not_found`. */
export function inspectImage({ images }: Pick<Ports, 'images'>) {
  return async (who: Principal, imageId: string): Promise<ImageRecord> => {
    requireScope(who, 'images:read')
    return findImage(images, who, imageId)
  }
}

import type { ImageRecord } from '@pixelflow/core/image'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { findImage } from './find-image.ts'
import type { Ports } from '../ports.ts'

/** The record of an image. @throws Fault `image_not_found`. */
export function getImage({ images }: Pick<Ports, 'images'>) {
  return async (who: Principal, imageId: string): Promise<ImageRecord> => {
    requireScope(who, 'images:read')
    return findImage(images, who, imageId)
  }
}

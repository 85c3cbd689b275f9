import { Fault } from '@pixelflow/core/fault'
import { id, type ImageRecord } from '@pixelflow/core/image'
import type { Records } from '@pixelflow/core/ports/records'
import type { Principal } from '@pixelflow/core/principal'
import { shorten } from '@pixelflow/core/shorten'

/** @throws Fault `image_not_found`. */
export async function findImage(
  images: Records<ImageRecord>,
  who: Principal,
  imageId: string,
  field?: string,
): Promise<ImageRecord> {
  // The account is part of every name, so images of other accounts look like missing ones.
  const found = id.safeParse(imageId).success ? await images.get(who.account, imageId) : null
  if (found) return found
  throw new Fault('image_not_found', `You have no image ${shorten(imageId)}.`, {
    ...(field === undefined ? {} : { field }),
    remedy: 'Upload the image, or check the id. Images are kept for a limited time.',
  })
}

import { sampleImage } from '@pixelflow/testkit/images'

/** A JPEG of about one megapixel and 180 kB, unless the user gives an image. */
export function createLoadPhoto(): Promise<Uint8Array> {
  return sampleImage({ width: 1200, height: 900, quality: 80, noise: 16 })
}

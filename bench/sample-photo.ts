import { sampleImage } from '@pixelflow/testkit/images'

/** A JPEG of 12 megapixels and about 3 MB, like the photograph of a phone. */
export function samplePhoto(): Promise<Uint8Array> {
  return sampleImage({ width: 4000, height: 3000, quality: 80, noise: 25 })
}

/** The same image with different bytes, so that it is stored again: a JPEG comment after the start marker. */
export function makeDistinct(jpeg: Uint8Array, serial: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`serial ${process.pid}-${Date.now()}-${serial}`)
  const distinct = new Uint8Array(jpeg.length + text.length + 4)
  distinct.set(jpeg.subarray(0, 2))
  distinct.set([0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 0xff], 2)
  distinct.set(text, 6)
  distinct.set(jpeg.subarray(2), 6 + text.length)
  return distinct
}

import { sampleImage } from '@pixelflow/testkit/images'

/** A 12-megapixel JPEG of about 3 MB, as a phone makes them. */
export function photograph(): Promise<Uint8Array> {
  return sampleImage({ width: 4000, height: 3000, quality: 80, noise: 25 })
}

/** The same picture with different bytes: a JPEG comment right after the start marker, so that nothing is stored once. */
export function distinct(jpeg: Uint8Array, serial: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`serial ${process.pid}-${Date.now()}-${serial}`)
  const made = new Uint8Array(jpeg.length + text.length + 4)
  made.set(jpeg.subarray(0, 2))
  made.set([0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 0xff], 2)
  made.set(text, 6)
  made.set(jpeg.subarray(2), 6 + text.length)
  return made
}

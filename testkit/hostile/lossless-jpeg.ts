import { u16be } from './bytes.ts'

/**
 * A lossless JPEG (ITU-T T.81, annex H) of one channel that grows from black on the left to white on the right. Each pixel
 * is coded as its difference from the pixel on its left.
 */
export function losslessJpeg(width: number, height: number, bits: 8 | 12 | 16): Uint8Array {
  // A code of five bits for each possible length of a difference.
  const lengths = Array.from({ length: bits + 1 }, (_, i) => i)
  const codes = Array.from({ length: 16 }, (_, i) => (i === 4 ? lengths.length : 0))
  const table = [0xff, 0xc4, ...u16be(19 + lengths.length), 0, ...codes, ...lengths]
  const frame = [0xff, 0xc3, ...u16be(11), bits, ...u16be(height), ...u16be(width), 1, 1, 0x11, 0]
  const scan = [0xff, 0xda, ...u16be(8), 1, 1, 0, 1, 0, 0]
  const gray = (x: number) => Math.round((x / (width - 1)) * (2 ** bits - 1))
  const text = Array.from({ length: width * height }, (_, i) => {
    const x = i % width
    const before = x > 0 ? gray(x - 1) : i === 0 ? 2 ** (bits - 1) : gray(0)
    return coded(gray(x) - before)
  }).join('')
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '1').match(/.{8}/g) ?? []
  const data = bytes
    .map((byte) => Number.parseInt(byte, 2))
    .flatMap((byte) => (byte === 255 ? [255, 0] : [byte]))
  return Buffer.from([0xff, 0xd8, ...table, ...frame, ...scan, ...data, 0xff, 0xd9])
}

/** The length of a difference and its bits; for a negative difference, the bits of the next smaller number. */
function coded(difference: number): string {
  const length = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1
  const bits = difference > 0 ? difference : difference + 2 ** length - 1
  return length.toString(2).padStart(5, '0') + (length === 0 ? '' : bits.toString(2).padStart(length, '0'))
}

import { ascii, u16le } from './bytes.ts'

/** GIF files with many frames, or with a canvas far larger than its frames. */

function header(width: number, height: number): number[] {
  return [...ascii('GIF89a'), ...u16le(width), ...u16le(height), 0x80, 0, 0, 0, 0, 0, 255, 255, 255]
}

/** A frame of one pixel, for a hundredth of a second. */
function frame(x: number, y: number): number[] {
  const control = [0x21, 0xf9, 4, 0, 1, 0, 0, 0]
  const descriptor = [0x2c, ...u16le(x), ...u16le(y), ...u16le(1), ...u16le(1), 0]
  return control.concat(descriptor, [2, 2, 0x4c, 1, 0])
}

/** An animation with `count` frames of one pixel each. */
export function frames(width: number, height: number, count: number): Uint8Array {
  const one = Buffer.from(frame(width - 1, height - 1))
  return Buffer.concat([
    Buffer.from(header(width, height)),
    Buffer.alloc(one.length * count, one),
    Buffer.from([0x3b]),
  ])
}

/** A frame that repeats one code, so that the code table grows to its maximum. */
export function codes(width: number, height: number, bytes: number): Uint8Array {
  const block = Buffer.concat([Buffer.from([255]), Buffer.alloc(255, 0x55)])
  return Buffer.concat([
    Buffer.from(header(width, height)),
    Buffer.from([0x2c, 0, 0, 0, 0, ...u16le(width), ...u16le(height), 0, 8]),
    Buffer.alloc(Math.ceil(bytes / 256) * 256, block),
    Buffer.from([0, 0x3b]),
  ])
}

/** A number of comments before an image of one pixel. */
export function comments(count: number): Uint8Array {
  const one = Buffer.from([0x21, 0xfe, 1, 0x41, 0])
  return Buffer.concat([
    Buffer.from(header(1, 1)),
    Buffer.alloc(one.length * count, one),
    Buffer.from([...frame(0, 0), 0x3b]),
  ])
}

/** A frame of green pixels in a part of a black canvas. No colour is transparent. */
export function opaqueFrame(
  canvas: { width: number; height: number },
  frame: { left: number; top: number; width: number; height: number },
): Uint8Array {
  const { left, top, width, height } = frame
  const palette = [0, 0, 0, 0, 255, 0]
  // A comment of two sub-blocks before the frame, with bytes that could begin other blocks.
  const comment = [0x21, 0xfe, 3, 0x2c, 0x2c, 0x2c, 1, 0x21, 0]
  // Codes of three bits, lowest first: clear (4), one for each pixel (1), end (5). Clearing keeps codes from growing.
  const codes = Array.from({ length: width * height }, () => [4, 1]).flat()
  const bits = [...codes, 5].map((code) => [code & 1, (code >> 1) & 1, code >> 2]).flat()
  const bytes = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((sum, bit, k) => sum + (bit << k), 0),
  )
  const blocks = Array.from({ length: Math.ceil(bytes.length / 255) }, (_, i) => {
    const part = bytes.slice(i * 255, i * 255 + 255)
    return [part.length, ...part]
  })
  return Buffer.from([
    ...ascii('GIF89a'),
    ...[canvas.width, canvas.height].flatMap(u16le),
    0x80,
    0,
    0,
    ...palette,
    ...comment,
    0x2c,
    ...[left, top, width, height].flatMap(u16le),
    0,
    2,
    ...blocks.flat(),
    0,
    0x3b,
  ])
}

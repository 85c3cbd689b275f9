import { deflateSync } from 'node:zlib'
import { encodePng } from '@pixelflow/core/png'

/** Colour of the pixel at a position, as red, green and blue from 0 to 255; fractions are rounded. */
export type Painter = (x: number, y: number) => readonly [number, number, number]

/** A PNG (8 bits, RGB) whose pixels a function computes. */
export function paintPng(width: number, height: number, paint: Painter): Uint8Array {
  const stride = width * 3
  const rows = Buffer.alloc((stride + 1) * height)
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1)
    // Filter 1, "Sub": each pixel as its difference to the one on its left, which compresses well in gradients.
    rows[start] = 1
    let left: readonly [number, number, number] = [0, 0, 0]
    for (let x = 0; x < width; x++) {
      const [r, g, b] = paint(x, y)
      const pixel = [Math.round(r), Math.round(g), Math.round(b)] as const
      const at = start + 1 + x * 3
      rows[at] = pixel[0] - left[0]
      rows[at + 1] = pixel[1] - left[1]
      rows[at + 2] = pixel[2] - left[2]
      left = pixel
    }
  }
  return encodePng({ width, height, bitDepth: 8, colorType: 2 }, deflateSync(rows, { level: 6 }))
}

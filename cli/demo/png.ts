import { crc32, deflateSync } from 'node:zlib'

/** Colour of the pixel at a place, as red, green and blue from 0 to 255; fractions are rounded. */
export type Painter = (x: number, y: number) => readonly [number, number, number]

/** A PNG (8 bits, RGB, ISO/IEC 15948) of a painted picture. */
export function encodePng(width: number, height: number, paint: Painter): Buffer {
  const stride = width * 3
  const rows = Buffer.alloc((stride + 1) * height)
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1)
    // Filter 1, "Sub": each pixel as its difference to the one on its left, which packs well where colours flow.
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
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

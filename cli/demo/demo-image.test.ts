import { expect, test } from 'bun:test'
import { crc32, inflateSync } from 'node:zlib'
import { paintDemoImage } from './demo-image.ts'
import { paintPng } from './paint-png.ts'

/** Decodes a PNG with the filter "Sub" by the standard, independently of the encoder. */
function decode(file: Uint8Array): {
  width: number
  height: number
  pixel: (x: number, y: number) => number[]
} {
  const png = Buffer.from(file)
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    const body = png.subarray(at + 4, at + 8 + length)
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4))
    at += 12 + length
  }
  const header = chunks.get('IHDR') ?? Buffer.alloc(13)
  const width = header.readUInt32BE(0)
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0))
  const stride = width * 3 + 1
  return {
    width,
    height: header.readUInt32BE(4),
    pixel(x, y) {
      expect(rows[y * stride]).toBe(1)
      return [0, 1, 2].map((channel) => {
        let sum = 0
        for (let to = 0; to <= x; to++) sum += rows[y * stride + 1 + to * 3 + channel] ?? 0
        return sum & 255
      })
    },
  }
}

test('the file contains the painted pixels', () => {
  const paint = (x: number, y: number) => [x * 7, 255 - y * 3, (x * y) % 256] as const
  const decoded = decode(paintPng(31, 17, paint))
  expect([decoded.width, decoded.height]).toEqual([31, 17])
  for (const [x, y] of [
    [0, 0],
    [30, 0],
    [0, 16],
    [30, 16],
    [13, 5],
  ] as const) {
    expect(decoded.pixel(x, y)).toEqual([...paint(x, y)])
  }
})

test('the demo image is large, and always the same', () => {
  const first = paintDemoImage()
  expect(first).toEqual(paintDemoImage())
  expect(decode(first)).toMatchObject({ width: 1600, height: 1000 })
  expect(first.length).toBeLessThan(2_000_000)
})

import { expect, test } from 'bun:test'
import { formatIds, sniffFormat } from '@pixelflow/core/format'
import sharp from 'sharp'
import { sampleImage } from './images.ts'

test.each(formatIds)('makes a valid %s', async (format) => {
  const image = await sampleImage({ format, width: 97, height: 61 })
  expect(sniffFormat(image)).toBe(format)
  expect(await sharp(image).metadata()).toMatchObject({ width: 97, height: 61 })
})

test('has an orientation and a position on request', async () => {
  const image = await sampleImage({ width: 40, height: 30, orientation: 6, gps: true })
  const { orientation, exif, width } = await sharp(image).metadata()
  expect(orientation).toBe(6)
  expect(width).toBe(40)
  expect(exif?.includes('PixelFlow')).toBe(true)
  const plain = await sharp(await sampleImage({ width: 40, height: 30 })).metadata()
  expect(plain.exif).toBeUndefined()
})

test('has a transparent margin on request', async () => {
  const image = await sampleImage({ format: 'png', alpha: true, width: 32, height: 32 })
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true })
  expect(info.channels).toBe(4)
  expect(data[3]).toBe(0)
  expect(data[(16 * 32 + 16) * 4 + 3]).toBe(255)
})

test('equal seeds give equal bytes, others do not', async () => {
  const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => sampleImage({ seed, width: 64, height: 64 })))
  expect(a).toEqual(b as Uint8Array)
  expect(c).not.toEqual(a as Uint8Array)
})

test('is about as large as a photograph of 12 megapixels', async () => {
  const image = await sampleImage({ width: 4000, height: 3000 })
  expect(image.length).toBeGreaterThan(2_000_000)
  expect(image.length).toBeLessThan(4_500_000)
}, 30_000)

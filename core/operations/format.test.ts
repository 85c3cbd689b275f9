import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { Fault } from '../fault.ts'
import { writableFormatIds } from '../format.ts'
import { checkWritable, defaultFormat, flattens, format } from './format.ts'

const params = (given: Record<string, unknown>) => format.schema.parse({ op: 'format', ...given })
const picture = { width: 64, height: 48, alpha: false }
const noise = await sharp({
  create: { ...picture, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
})
  .png()
  .toBuffer()

const write = (given: Record<string, unknown>, target: (typeof writableFormatIds)[number]) =>
  format.apply(sharp(noise), params(given), picture, target).toBuffer()

describe('a written file', () => {
  test.each([...writableFormatIds])('%s has the size of the picture', async (target) => {
    const metadata = await sharp(await write({}, target)).metadata()
    expect(metadata.format).toBe(target === 'avif' ? 'heif' : target)
    expect([metadata.width, metadata.height]).toEqual([picture.width, picture.height])
  })

  test.each(['jpeg', 'webp', 'avif'] as const)('%s is smaller with lower quality', async (target) => {
    const [low, high] = [await write({ quality: 20 }, target), await write({ quality: 95 }, target)]
    expect(low.length).toBeLessThan(high.length * 0.7)
  })

  test.each(['jpeg', 'png', 'webp'] as const)('%s is smaller with more effort', async (target) => {
    const sizes = [await write({ effort: 0 }, target), await write({ effort: 9 }, target)].map(
      (file) => file.length,
    )
    expect(sizes[1]).toBeLessThan(sizes[0] ?? 0)
  })

  test('avif depends on effort', async () => {
    const files = [await write({ effort: 0 }, 'avif'), await write({ effort: 9 }, 'avif')]
    expect(files[0]?.equals(files[1] ?? Buffer.alloc(0))).toBe(false)
  })

  test.each(['png', 'webp', 'avif'] as const)('lossless %s keeps every pixel', async (target) => {
    const again = await sharp(await write({ lossless: true }, target))
      .raw()
      .toBuffer()
    expect(again.equals(await sharp(noise).raw().toBuffer())).toBe(true)
  })

  test('jpeg has the requested subsampling and is progressive if requested', async () => {
    const fine = await sharp(await write({ subsampling: '444', progressive: true }, 'jpeg')).metadata()
    expect([fine.chromaSubsampling, fine.isProgressive]).toEqual(['4:4:4', true])
    const plain = await sharp(await write({}, 'jpeg')).metadata()
    expect([plain.chromaSubsampling, plain.isProgressive]).toEqual(['4:2:0', false])
  })
})

describe('a feature that a format does not support', () => {
  test('transparency: only JPEG is flattened on the background', async () => {
    const glass = { width: 4, height: 4, alpha: true }
    expect(writableFormatIds.filter((target) => flattens(glass, target))).toEqual(['jpeg'])
    const clear = sharp({ create: { width: 4, height: 4, channels: 4, background: '#00000000' } })
    const jpeg = await format
      .apply(clear, params({ background: 'ff0000', quality: 100 }), glass, 'jpeg')
      .toBuffer()
    const [red = 0, green = 0] = await sharp(jpeg).raw().toBuffer()
    expect(red).toBeGreaterThan(250)
    expect(green).toBeLessThan(5)
  })

  test('lossless JPEG is rejected, both in the recipe and for a JPEG source', () => {
    expect(format.schema.safeParse({ op: 'format', type: 'jpeg', lossless: true }).success).toBe(false)
    expect(() => checkWritable(params({ lossless: true }), picture, 'jpeg')).toThrow(Fault)
  })

  test('a picture that is too large for the format is rejected with its size', () => {
    const wide = { width: 20_000, height: 10, alpha: false }
    expect(() => checkWritable(defaultFormat, wide, 'webp')).toThrow('20000×10')
    expect(() => checkWritable(defaultFormat, wide, 'jpeg')).not.toThrow()
  })
})

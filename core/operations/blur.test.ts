import { describe, expect, test } from 'bun:test'
import sharp, { type Raw } from 'sharp'
import { gaussian } from '../../testkit/gaussian.ts'
import { blur, precisionOf } from './blur.ts'
import type { Picture } from '../recipe/operation.ts'

const size = { width: 90, height: 70 } as const

/** Blurs raw pixels with the call of the operation. */
async function blurred(pixels: Uint8Array, channels: Raw['channels'], sigma: number): Promise<Buffer> {
  const before: Picture = { ...size, alpha: channels === 2 || channels === 4 }
  const source = sharp(pixels, { raw: { ...size, channels } })
  return blur
    .apply(source, blur.schema.parse({ op: 'blur', sigma }), before)
    .raw()
    .toBuffer()
}

const filled = (pixel: readonly number[]) =>
  Uint8Array.from({ length: size.width * size.height * pixel.length }, (_, i) => pixel[i % pixel.length] ?? 0)

/** The largest difference between two values. */
const furthest = (one: ArrayLike<number>, other: ArrayLike<number>) =>
  Array.from(one).reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? Number.NaN))), 0)

/** The limits of the schema, and values on both sides of the change of precision. */
const sigmas = [0.3, 0.35, 0.4, 0.5, 0.7, 1, 1.5, 2, 2.79, 2.8, 3, 5, 9.99, 10, 25, 60, 250]

describe.each(sigmas)('sigma %p', (sigma) => {
  test('does not change flat areas', async () => {
    for (const level of [0, 1, 100, 200, 254, 255]) {
      const flat = filled([level, 255 - level, level])
      expect({ level, off: furthest(await blurred(flat, 3, sigma), flat) }).toEqual({ level, off: 0 })
    }
  })

  test('keeps opaque pictures opaque', async () => {
    const grain = filled([0, 0, 0, 255]).map((value, i) => (i % 4 === 3 ? value : (i * 7919) % 256))
    const alpha = (await blurred(grain, 4, sigma)).filter((_, i) => i % 4 === 3)
    expect([Math.min(...alpha), Math.max(...alpha)]).toEqual([255, 255])
  })

  test('does not change flat areas of 16-bit pictures', async () => {
    const flat = await sharp(filled([200, 100, 50]), { raw: { ...size, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    const step = blur.schema.parse({ op: 'blur', sigma })
    const file = await blur
      .apply(sharp(flat), step, { ...size, alpha: false })
      .png()
      .toBuffer()
    expect(furthest(await sharp(file).raw().toBuffer(), filled([200, 100, 50]))).toBeLessThanOrEqual(1)
  })
})

/** A checkerboard: hard edges show errors of a blur best. */
const chequers: Uint8Array = Uint8Array.from({ length: size.width * size.height }, (_, i) =>
  i % size.width < size.width / 2 !== i < (size.width * size.height) / 2 ? 235 : 20,
)

/** sharp writes gray pixels as three equal channels. */
const blurredGray = async (sigma: number) => (await blurred(chequers, 1, sigma)).filter((_, i) => i % 3 === 0)

// The picture is too small for larger sigmas.
test.each(sigmas.filter((sigma) => sigma <= 25))('sigma %p approximates the Gaussian', async (sigma) => {
  expect(furthest(await blurredGray(sigma), gaussian(chequers, size, sigma))).toBeLessThanOrEqual(8)
})

test('the result is continuous where the precision changes', async () => {
  const change = sigmas.findIndex((sigma) => precisionOf(sigma) === 'approximate')
  const [below = 0, above = 0] = sigmas.slice(change - 1, change + 1)
  expect([precisionOf(below), above - below < 0.02]).toEqual(['float', true])
  const [one, other] = [await blurredGray(below), await blurredGray(above)]
  expect(furthest(one, other)).toBeLessThanOrEqual(5)
})

import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { blur } from './blur.ts'
import { flip } from './flip.ts'
import { flop } from './flop.ts'
import { grayscale } from './grayscale.ts'
import type { PictureOperation, StepOf } from '../recipe/operation.ts'
import { orient } from './orient.ts'
import { sharpen } from './sharpen.ts'

/** Tests of the operations that change pixel values but not the size. */

const [red, green, blue, white] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
]
const four = { width: 2, height: 2, alpha: false }
const corners = Uint8Array.from([red, green, blue, white].flatMap((pixel) => pixel ?? []))

async function pixelsAfter(operation: PictureOperation, params: object = {}) {
  const step = operation.schema.parse({
    op: operation.schema.shape.op.value,
    ...params,
  }) as StepOf<PictureOperation>
  const source = sharp(corners, { raw: { width: 2, height: 2, channels: 3 } })
  expect(operation.after(step, four)).toEqual(four)
  const bytes = await operation.apply(source, step, four).png().toBuffer()
  const raw = [...(await sharp(bytes).raw().toBuffer())]
  return [0, 3, 6, 9].map((at) => raw.slice(at, at + 3))
}

test('flip mirrors the picture vertically', async () => {
  expect(await pixelsAfter(flip)).toEqual([blue, white, red, green] as number[][])
})

test('flop mirrors the picture horizontally', async () => {
  expect(await pixelsAfter(flop)).toEqual([green, red, white, blue] as number[][])
})

test('grayscale keeps the brightness: green brighter than red, red brighter than blue', async () => {
  const gray = await pixelsAfter(grayscale)
  for (const [r, g, b] of gray) expect([r, r]).toEqual([g, b])
  const [ofRed = 0, ofGreen = 0, ofBlue = 0, ofWhite = 0] = gray.map(([level]) => level)
  expect(ofBlue < ofRed && ofRed < ofGreen && ofGreen < ofWhite).toBe(true)
  expect(ofWhite).toBe(255)
})

describe('contrast at an edge', () => {
  const width = 41
  const size = { width, height: 8, alpha: false }
  const edge = Uint8Array.from({ length: width * 8 * 3 }, (_, i) =>
    Math.floor(i / 3) % width < 20 ? 80 : 170,
  )
  const stepAt = async (operation: PictureOperation, params: object) => {
    const step = operation.schema.parse({
      op: operation.schema.shape.op.value,
      ...params,
    }) as StepOf<PictureOperation>
    const source = sharp(edge, { raw: { width, height: 8, channels: 3 } })
    const raw = await operation.apply(source, step, size).raw().toBuffer()
    const level = (x: number) => raw[(4 * width + x) * 3] ?? 0
    return level(20) - level(19)
  }

  test('decreases with a larger blur', async () => {
    const [little, much] = [await stepAt(blur, { sigma: 0.5 }), await stepAt(blur, { sigma: 4 })]
    expect(little).toBeLessThan(90)
    expect(much).toBeLessThan(little / 2)
  })

  test('increases with sharpen, up to its limits', async () => {
    const plain = await stepAt(sharpen, {})
    expect(plain).toBeGreaterThan(95)
    expect(await stepAt(sharpen, { brighten: 0, darken: 0 })).toBeLessThanOrEqual(91)
    expect(await stepAt(sharpen, { edges: 0, flat: 0 })).toBeLessThanOrEqual(91)
  })
})

test('orient applies the EXIF orientation, unless auto is false', async () => {
  const bytes = await sharp(corners, { raw: { width: 2, height: 2, channels: 3 } })
    .withMetadata({ orientation: 3 })
    .png()
    .toBuffer()
  const first = async (auto: boolean) => {
    const raw = await orient.apply(sharp(bytes), { op: 'orient', auto }).raw().toBuffer()
    return [...raw.subarray(0, 3)]
  }
  expect(await first(true)).toEqual([255, 255, 255])
  expect(await first(false)).toEqual([255, 0, 0])
})

import { expect, test } from 'bun:test'
import { opaqueFrame } from '@pixelflow/testkit/hostile/gif'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

const green = [0, 255, 0, 255]
const transparent = [0, 0, 0, 0]

async function pixelsOf(file: Uint8Array, recipe: string, inStages: boolean) {
  const result = await harness.transform(file, recipe, { inStages })
  const { data, info } = await sharp(result.file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return (x: number, y: number) => {
    const at = (y * info.width + x) * 4
    return [...data.subarray(at, at + 4)]
  }
}

test('the canvas around a smaller first frame is transparent, also without a transparent colour', async () => {
  const file = opaqueFrame({ width: 30, height: 20 }, { left: 5, top: 4, width: 10, height: 8 })
  for (const inStages of [true, false]) {
    const at = await pixelsOf(file, 'format:png', inStages)
    const inner = [at(5, 4), at(14, 11), at(5, 11), at(14, 4)]
    const outer = [at(0, 0), at(4, 4), at(5, 3), at(15, 11), at(14, 12), at(29, 19)]
    expect([inner, outer]).toEqual([inner.map(() => green), outer.map(() => transparent)])
  }
  // Formats without transparency use the background of the recipe.
  const at = await pixelsOf(file, 'format:jpeg:100', true)
  expect(at(28, 18)).toEqual([255, 255, 255, 255])
})

test('a frame that exceeds or fills its canvas stays opaque', async () => {
  const canvas = { width: 12, height: 12 }
  const whole = opaqueFrame(canvas, { left: 0, top: 0, ...canvas })
  const { metadata } = await harness.transform(whole, 'format:png')
  expect(metadata.hasAlpha).toBe(false)
  const over = await pixelsOf(opaqueFrame(canvas, { left: 6, top: 6, ...canvas }), 'format:png', true)
  expect([over(0, 0), over(11, 11)]).toEqual([transparent, green])
})

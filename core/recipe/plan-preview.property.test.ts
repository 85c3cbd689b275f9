import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import sharp from 'sharp'
import { pictureAfterStep, type Picture } from './operation.ts'
import { planRenderings } from './plan-renderings.ts'
import { plan, type PlannedOutput } from './plan.ts'
import { copySize, planPreview } from './plan-preview.ts'
import { parseRecipe } from './recipe.ts'
import { createRandom } from './testing/create-random.ts'
import { measureDifference } from './testing/measure-difference.ts'
import { arbitraryRelativeSteps, pictureOperationNames, stepsInPixels } from './testing/relative-steps.ts'
import { printText } from './text.ts'

/** For random recipes, the preview on a smaller copy looks like the real result scaled to the same size. */

/** For each operation; random steps of all others are around it. */
const runs = 16
const seed = 20_261_121
/**
 * Largest mean difference. Positions are rounded to whole pixels of the copy, which has more effect the fewer pixels
 * there are, so the largest difference of a single pixel is not meaningful. A wrong blur radius, crop area or padding
 * width gives a far larger mean.
 */
const tolerance = (side: number) => 3 + 200 / side
const shares = [0.15, 1.5] as const
type Size = Pick<Picture, 'width' | 'height'>

const input = fc.record({
  width: fc.integer({ min: 300, max: 520 }),
  height: fc.integer({ min: 300, max: 520 }),
  alpha: fc.boolean(),
  maxPixels: fc.constantFrom(9000, 40_000, 90_000, 1_000_000),
  seed: fc.nat(),
})

describe.each(pictureOperationNames)('recipes with %s', (name) => {
  test('have a preview that looks like the result scaled to the same size', async () => {
    let rendered = 0
    const relativeSteps = arbitraryRelativeSteps(name, { shares, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(input, relativeSteps, async (made, relativeSteps) => {
        const { width, height, alpha, maxPixels, seed } = made
        const source: Picture = { width, height, alpha }
        const recipe = parseRecipe({ steps: stepsInPixels(relativeSteps, source) })
        if (recipe.steps.some(({ op }) => op === name)) rendered++
        const [output] = plan(recipe).outputs
        if (output === undefined) throw new Error('a recipe without outputs')
        const where = `${width}×${height}${alpha ? ' with alpha' : ''} in ${maxPixels}: ${printText(recipe)}`

        const bytes = await makeSource(width, height, alpha, seed)
        const { preview, copy, rendered: previewed } = await renderPreview(output, source, bytes, maxPixels)
        const real = await render(output, source, bytes)

        expect({ where, ...preview.result }).toMatchObject({ where, width: real.width, height: real.height })
        expect({ where, ...preview.picture }).toMatchObject({
          where,
          width: previewed.width,
          height: previewed.height,
        })
        expect({ where, fits: previewed.width * previewed.height <= maxPixels }).toEqual({
          where,
          fits: true,
        })
        const isLarger = previewed.width > real.width || previewed.height > real.height
        expect({ where, isLarger }).toEqual({ where, isLarger: false })

        const mean = await measureScaled(real.bytes, previewed.bytes, previewed)
        const allowed = tolerance(Math.min(previewed.width, previewed.height))
        const isNear =
          mean <= allowed ||
          mean <= allowed + (await measureShift(real, previewed)) ||
          mean <= allowed + (await measureSpread(output, source, bytes, maxPixels))
        expect({ where, mean, isNear }).toMatchObject({ where, isNear: true })
        if (copy.width === width && measureLargest(output, source) <= maxPixels) {
          expect({ where, mean }).toEqual({ where, mean: 0 })
        }
      }),
      { numRuns: runs, seed, endOnFailure: true },
    )
    expect(rendered).toBeGreaterThan(0.9 * runs)
  }, 60_000)
})

/** Smooth colour gradients with a hard-edged square: similar to a photograph, in which every pixel differs. */
async function makeSource(width: number, height: number, alpha: boolean, seed: number): Promise<Buffer> {
  const random = createRandom(seed)
  const clouds = Uint8Array.from({ length: 12 * 9 * 3 }, () => random() * 256)
  const pixels = await sharp(clouds, { raw: { width: 12, height: 9, channels: 3 } })
    .resize({ width, height, fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer()
  const [left, top] = [Math.floor(random() * width * 0.6), Math.floor(random() * height * 0.6)]
  const square = { create: { width: 60, height: 60, channels: 3, background: '#20d060' } } as const
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } }).composite([
    { input: square, left, top },
  ])
  if (!alpha) return picture.png().toBuffer()
  const veil = Uint8Array.from(
    { length: width * height },
    (_, i) => 255 * Math.min(1, (2 * (i % width)) / width),
  )
  const composed = await picture.png().toBuffer()
  return sharp(composed)
    .joinChannel(Buffer.from(veil), { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
}

/** Renders the preview of an output on a copy of its source with at most `maxPixels` pixels. */
async function renderPreview(output: PlannedOutput, source: Picture, bytes: Buffer, maxPixels: number) {
  const copy = { ...source, ...copySize(source, maxPixels) }
  const copied = await sharp(bytes)
    .resize({ width: copy.width, height: copy.height, fit: 'fill' })
    .png()
    .toBuffer()
  const preview = planPreview(output, source, copy, maxPixels)
  return { copy, preview, rendered: await render(preview.output, copy, copied) }
}

async function render(output: PlannedOutput, start: Picture, source: Buffer) {
  let bytes = source
  let after = start
  for (const rendering of planRenderings(output, start, 'png')) {
    bytes = await (await rendering.apply(sharp(bytes), sharp)).toBuffer()
    after = rendering.after
  }
  return { bytes, ...after }
}

/** The most pixels that the picture has before, between and after the steps. */
function measureLargest(output: PlannedOutput, source: Picture): number {
  let picture = source
  const sizes = output.passes.flat().map((planned) => {
    picture = pictureAfterStep(planned, picture)
    return picture.width * picture.height
  })
  return Math.max(source.width * source.height, ...sizes)
}

/** The mean difference of two pictures, both scaled to the same size. */
async function measureScaled(one: Buffer, other: Buffer, { width, height }: Size): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((bytes) => sharp(bytes).resize({ width, height, fit: 'fill' }).png().toBuffer()),
  )
  if (a === undefined || b === undefined) throw new Error('two pictures were scaled')
  return (await measureDifference(a, b)).mean
}

/**
 * The effect on the real result of a shift by half a pixel of the preview. It is large where the result has many edges
 * that do not lie on whole pixels of the preview.
 */
async function measureShift(real: Awaited<ReturnType<typeof render>>, preview: Size): Promise<number> {
  const left = Math.round(real.width / preview.width / 2)
  const top = Math.round(real.height / preview.height / 2)
  const shifted = await sharp(real.bytes).extend({ left, top, extendWith: 'copy' }).toBuffer()
  const area = { left: 0, top: 0, width: real.width, height: real.height }
  return measureScaled(real.bytes, await sharp(shifted).extract(area).png().toBuffer(), preview)
}

/**
 * The difference between previews on copies of similar sizes. It is large where the result depends on single levels,
 * such as after strong sharpening. A length that is scaled wrongly is wrong by a similar factor in both.
 */
async function measureSpread(
  output: PlannedOutput,
  source: Picture,
  bytes: Buffer,
  maxPixels: number,
): Promise<number> {
  const one = (await renderPreview(output, source, bytes, maxPixels)).rendered
  const other = (await renderPreview(output, source, bytes, Math.floor(0.85 * maxPixels))).rendered
  return measureScaled(one.bytes, other.bytes, one)
}

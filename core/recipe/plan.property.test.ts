import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import sharp from 'sharp'
import type { Step } from '../operations/index.ts'
import type { Picture } from './operation.ts'
import { planRenderings, sourcePicture } from './plan-renderings.ts'
import { plan } from './plan.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { createRandom } from './testing/create-random.ts'
import { isWithin, measureDifference, type Difference } from './testing/measure-difference.ts'
import { arbitraryRelativeSteps, pictureOperationNames, stepsInPixels } from './testing/relative-steps.ts'
import { printText } from './text.ts'

/**
 * For random steps in random order, the fused pipelines give the same picture as the steps applied one at a time, each
 * in its own pipeline with an intermediate file.
 */

/** For each operation; random steps of all others are around it. */
const runs = 32
const seed = 20_261_114
/**
 * Allowed differences. They come from rounding to whole levels between pipelines and are largest where an almost
 * transparent area is sharpened. A wrong order, a shift by one pixel or a wrong colour in a corner gives differences of
 * dozens of levels.
 */
const tolerance = { opaque: { mean: 1, worst: 10 }, transparent: { mean: 2, worst: 16 } }
/**
 * Below a quarter, sharp first shrinks by an integer factor, starting at one edge. This shifts the picture by a fraction
 * of a pixel, which is visible in tiny pictures that sharp turns upright after the resize (see `flipSensitive`).
 */
const shares = [0.26, 1.6] as const
const source = fc.record({
  width: fc.integer({ min: 16, max: 48 }),
  height: fc.integer({ min: 16, max: 48 }),
  alpha: fc.boolean(),
  orientation: fc.integer({ min: 1, max: 8 }),
  seed: fc.nat(),
})
type Source = (typeof source extends fc.Arbitrary<infer T> ? T : never) & object

describe.each(pictureOperationNames)('recipes with %s', (name) => {
  test('give the same result in fused pipelines as in single steps', async () => {
    let rendered = 0
    const relativeSteps = arbitraryRelativeSteps(name, { shares, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(source, relativeSteps, async (made, relativeSteps) => {
        const bytes = await makeSource(made)
        const start = sourcePicture({ ...made, hasAlpha: made.alpha }, true)
        const recipe = parseRecipe({ steps: stepsInPixels(relativeSteps, start) })
        if (recipe.steps.some(({ op }) => op === name)) rendered++
        const fused = await runFused(recipe, bytes, start)
        const single = await runSingly(recipe.steps, bytes)
        const where = `${made.width}×${made.height}${made.alpha ? ' with alpha' : ''}: ${printText(recipe)}`
        expect({ where, width: fused.width, height: fused.height }).toEqual({
          where,
          width: single.width,
          height: single.height,
        })
        const difference = await measureDifference(fused.bytes, single.bytes)
        const allowed = fused.alpha ? tolerance.transparent : tolerance.opaque
        const isNear =
          isWithin(difference, allowed) ||
          isWithin(difference, sum(allowed, await measureRounding(recipe.steps, bytes, single.bytes)))
        expect({ where, difference, isNear }).toMatchObject({ where, isNear: true })
      }),
      { numRuns: runs, seed },
    )
    expect(rendered).toBeGreaterThan(0.9 * runs)
  }, 30_000)
})

/** A file with gradients, hard edges and a little noise, different for every seed, and with an EXIF orientation. */
async function makeSource({ width, height, alpha, orientation, seed }: Source): Promise<Buffer> {
  const channels = alpha ? 4 : 3
  const pixels = new Uint8Array(width * height * channels)
  const random = createRandom(seed)
  const [edge, tint] = [random(), random()]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height]
      const isInside = u > edge && v < 0.7
      const at = (y * width + x) * channels
      pixels[at] = (isInside ? 220 : 255 * u * 0.8) + random() * 12
      pixels[at + 1] = (isInside ? 40 : 255 * v * 0.8) + random() * 12
      pixels[at + 2] = (isInside ? 255 * tint : 120) * 0.9 + random() * 12
      if (alpha) pixels[at + 3] = v > 0.8 ? 0 : u > 0.5 ? 255 : Math.round(255 * Math.min(1, 0.2 + v))
    }
  }
  return sharp(pixels, { raw: { width, height, channels } }).withMetadata({ orientation }).png().toBuffer()
}

async function runFused(recipe: Recipe, bytes: Buffer, start: Picture) {
  const [output] = plan(recipe).outputs
  if (output === undefined) throw new Error('a recipe without outputs')
  let current = bytes
  let after = start
  for (const rendering of planRenderings(output, start, 'png')) {
    const { data, info } = await (
      await rendering.apply(sharp(current), sharp)
    ).toBuffer({ resolveWithObject: true })
    expect({ width: info.width, height: info.height }).toEqual({
      width: rendering.after.width,
      height: rendering.after.height,
    })
    current = data
    after = rendering.after
  }
  return { bytes: current, ...after }
}

/** @param disturb changes the picture before each step */
async function runSingly(
  steps: readonly Step[],
  bytes: Buffer,
  disturb: (bytes: Buffer) => Promise<Buffer> = (same) => Promise.resolve(same),
) {
  let { data, info } = await sharp(bytes).autoOrient().png().toBuffer({ resolveWithObject: true })
  for (const step of steps) {
    const { width, height, channels } = info
    const before = { width, height, alpha: channels === 4 }
    const [output] = plan(parseRecipe({ steps: [{ op: 'orient', auto: false }, step] })).outputs
    for (const rendering of output === undefined ? [] : planRenderings(output, before, 'png')) {
      const pipeline = await rendering.apply(sharp(await disturb(data)), sharp)
      ;({ data, info } = await pipeline.png().toBuffer({ resolveWithObject: true }))
    }
  }
  return { bytes: data, width: info.width, height: info.height }
}

/**
 * Twice the largest effect of rounding on the result of single steps. It is large where a step amplifies differences of
 * one level, such as strong sharpening, or selects pixels by their value, and small otherwise.
 */
async function measureRounding(steps: readonly Step[], bytes: Buffer, result: Buffer): Promise<Difference> {
  let most: Difference = { mean: 0, worst: 0 }
  for (const seed of [1, 2, 3]) {
    const random = createRandom(seed)
    const disturbed = await runSingly(steps, bytes, (before) => disturbLevels(before, random))
    const { mean, worst } = await measureDifference(disturbed.bytes, result)
    most = { mean: Math.max(most.mean, 2 * mean), worst: Math.max(most.worst, 2 * worst) }
  }
  return most
}

/** Changes half of the levels by one. Fully opaque and fully transparent pixels stay so. */
async function disturbLevels(bytes: Buffer, random: () => number): Promise<Buffer> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  for (const [i, level] of data.entries()) {
    const isFullAlpha = channels % 2 === 0 && i % channels === channels - 1 && level % 255 === 0
    const change = Math.floor(random() * 4) - 1
    if (!isFullAlpha && change < 2) data[i] = Math.max(0, Math.min(255, level + change))
  }
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer()
}

function sum(one: Difference, other: Difference): Difference {
  return { mean: one.mean + other.mean, worst: one.worst + other.worst }
}

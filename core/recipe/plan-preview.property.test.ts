import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import sharp from 'sharp'
import type { Picture } from './operation.ts'
import { planRenderings } from './plan-renderings.ts'
import { plan, type PlannedOutput } from './plan.ts'
import { copySize, planPreview } from './plan-preview.ts'
import { parseRecipe } from './recipe.ts'
import { resizeToPixels, resolveRelativeSteps } from './testing/resolve-relative-steps.ts'
import { printText } from './text.ts'

/** For random recipes, the preview on a smaller copy looks like the real result scaled to the same size. */

const runs = 80
const seed = 20_261_121
/**
 * Largest mean difference, in levels of 255. Positions are rounded to whole pixels of the copy, which has more effect
 * the fewer pixels there are, so the largest difference of a single pixel is not meaningful. A wrong blur radius, crop
 * area or padding width gives a far larger mean.
 */
const tolerance = (side: number) => 3 + 200 / side

const share = fc.double({ min: 0, max: 0.8, noNaN: true })
const color = fc.constantFrom('#00000000', '#ffffff', '#ff8800')
const relativeStep = fc.oneof(
  fc.record({
    op: fc.constant('resize' as const),
    width: fc.option(fc.double({ min: 0.15, max: 1.5, noNaN: true }), { nil: undefined }),
    height: fc.double({ min: 0.15, max: 1.5, noNaN: true }),
    fit: fc.constantFrom('inside', 'cover', 'contain', 'fill', 'outside'),
    enlarge: fc.boolean(),
    position: fc.constantFrom('center', 'top', 'right', 'bottom-left'),
    background: color,
  }),
  fc.record({ op: fc.constant('crop' as const), left: share, top: share, width: share, height: share }),
  fc.record({
    op: fc.constant('rotate' as const),
    angle: fc.constantFrom(90, -30, 180, 45),
    background: color,
  }),
  fc.record({ op: fc.constantFrom('flip' as const, 'flop' as const, 'grayscale' as const) }),
  fc.record({ op: fc.constant('blur' as const), sigma: fc.double({ min: 0.3, max: 25, noNaN: true }) }),
  fc.record({ op: fc.constant('sharpen' as const), sigma: fc.double({ min: 0.3, max: 4, noNaN: true }) }),
)
type RelativeStep = typeof relativeStep extends fc.Arbitrary<infer T> ? T : never

const input = fc.record({
  width: fc.integer({ min: 300, max: 520 }),
  height: fc.integer({ min: 300, max: 520 }),
  alpha: fc.boolean(),
  maxPixels: fc.constantFrom(9000, 40_000, 90_000, 1_000_000),
  relativeSteps: fc.array(relativeStep, { minLength: 1, maxLength: 4 }),
  seed: fc.nat(),
})

test('a preview looks like the result scaled to the same size', async () => {
  await fc.assert(
    fc.asyncProperty(input, async ({ width, height, alpha, maxPixels, relativeSteps, seed }) => {
      const source: Picture = { width, height, alpha }
      const recipe = parseRecipe({ steps: resolveRelativeSteps(relativeSteps, source, inPixels) })
      const [output] = plan(recipe).outputs
      if (output === undefined) throw new Error('a recipe without outputs')
      const where = `${width}×${height}${alpha ? ' with alpha' : ''} in ${maxPixels}: ${printText(recipe)}`

      const bytes = await makeSource(width, height, alpha, seed)
      const size = copySize(source, maxPixels)
      const copied = await sharp(bytes)
        .resize({ ...size, fit: 'fill' })
        .png()
        .toBuffer()
      const preview = planPreview(output, source, { ...source, ...size }, maxPixels)
      const real = await render(output, source, bytes)
      const previewed = await render(preview.output, { ...source, ...size }, copied)

      expect({ where, ...preview.result }).toMatchObject({ where, width: real.width, height: real.height })
      expect({ where, ...preview.picture }).toMatchObject({
        where,
        width: previewed.width,
        height: previewed.height,
      })
      expect({ where, fits: previewed.width * previewed.height <= maxPixels }).toEqual({ where, fits: true })
      expect({ where, larger: previewed.width > real.width || previewed.height > real.height }).toMatchObject(
        {
          larger: false,
        },
      )
      const { width: w, height: h } = previewed
      const small = await sharp(real.bytes).resize({ width: w, height: h, fit: 'fill' }).png().toBuffer()
      const mean = distance(await pixelsOf(small), await pixelsOf(previewed.bytes))
      expect({ where, mean, isNear: mean <= tolerance(Math.min(w, h)) }).toMatchObject({
        where,
        isNear: true,
      })
      if (size.width === width && real.width * real.height <= maxPixels) {
        expect({ where, mean }).toEqual({ where, mean: 0 })
      }
    }),
    { numRuns: runs, seed, endOnFailure: true },
  )
}, 120_000)

function inPixels(one: RelativeStep, picture: Picture): unknown {
  if (one.op === 'resize') return resizeToPixels(one, picture)
  if (one.op !== 'crop') return one
  const left = Math.floor(one.left * picture.width)
  const top = Math.floor(one.top * picture.height)
  const width = Math.ceil((0.2 + one.width) * (picture.width - left) * 0.99)
  const height = Math.ceil((0.2 + one.height) * (picture.height - top) * 0.99)
  return {
    op: 'crop',
    left,
    top,
    width: Math.min(width, picture.width - left),
    height: Math.min(height, picture.height - top),
  }
}

/** Smooth colour gradients with a hard-edged square: similar to a photograph, in which every pixel differs. */
async function makeSource(width: number, height: number, alpha: boolean, seed: number): Promise<Buffer> {
  let state = seed | 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
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

async function render(output: PlannedOutput, start: Picture, source: Buffer) {
  let bytes = source
  let after = start
  for (const rendering of planRenderings(output, start, 'png')) {
    bytes = await (await rendering.apply(sharp(bytes), sharp)).toBuffer()
    after = rendering.after
  }
  return { bytes, ...after }
}

/** Pixels with colours premultiplied by alpha, because transparent pixels may have any colour. */
async function pixelsOf(bytes: Buffer): Promise<Float64Array> {
  const raw = await sharp(bytes).ensureAlpha().raw().toBuffer()
  return Float64Array.from(raw, (value, i) =>
    i % 4 === 3 ? value : (value * (raw[i - (i % 4) + 3] ?? 0)) / 255,
  )
}

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length
}

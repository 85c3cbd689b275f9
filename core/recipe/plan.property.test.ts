import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import sharp from 'sharp'
import type { Step } from '../operations/index.ts'
import type { Picture } from './operation.ts'
import { planRenderings, sourcePicture } from './plan-renderings.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'
import { resizeToPixels, resolveRelativeSteps } from './testing/resolve-relative-steps.ts'
import { printText } from './text.ts'

/**
 * For random steps in random order, the fused pipelines give the same picture as the steps applied one at a time, each
 * in its own pipeline with an intermediate file.
 */

const runs = 250
const seed = 20_261_114
/**
 * Allowed differences in levels of 255, with colours premultiplied by alpha. They come from rounding to whole levels
 * between pipelines and are largest where an almost transparent area is sharpened. A wrong order, a shift by one pixel
 * or a wrong colour in a corner gives differences of dozens of levels.
 */
const tolerance = { opaque: { mean: 1, worst: 10 }, transparent: { mean: 2, worst: 16 } }
const source = fc.record({
  width: fc.integer({ min: 16, max: 48 }),
  height: fc.integer({ min: 16, max: 48 }),
  alpha: fc.boolean(),
  orientation: fc.integer({ min: 1, max: 8 }),
  seed: fc.nat(),
})
type Source = (typeof source extends fc.Arbitrary<infer T> ? T : never) & object

/** A fraction of the picture that the step receives; converted to pixels when its size is known. */
const share = fc.double({ min: 0, max: 0.999, noNaN: true })
const color = fc.constantFrom('#00000000', '#ffffff', '#ff8800', '#2244cc80')
const relativeStep = fc.oneof(
  fc.record({
    op: fc.constant('resize' as const),
    // Below a quarter, sharp first shrinks by an integer factor, starting at one edge. This shifts the picture by a
    // fraction of a pixel, which is visible in tiny pictures that sharp turns upright after the resize (see
    // `flipSensitive`).
    width: fc.option(fc.double({ min: 0.26, max: 1.6, noNaN: true }), { nil: undefined }),
    height: fc.double({ min: 0.26, max: 1.6, noNaN: true }),
    fit: fc.constantFrom('inside', 'cover', 'contain', 'fill', 'outside'),
    enlarge: fc.boolean(),
    position: fc.constantFrom('center', 'top', 'right', 'bottom-left'),
    background: color,
    kernel: fc.constantFrom('lanczos3', 'cubic', 'linear'),
  }),
  fc.record({ op: fc.constant('crop' as const), left: share, top: share, width: share, height: share }),
  fc.record({
    op: fc.constant('rotate' as const),
    angle: fc.constantFrom(90, 180, 270, -90, 0, 360),
    background: color,
  }),
  fc.record({
    op: fc.constant('rotate' as const),
    angle: fc.integer({ min: -180, max: 180 }),
    background: color,
  }),
  fc.record({ op: fc.constantFrom('flip' as const, 'flop' as const, 'grayscale' as const) }),
  fc.record({ op: fc.constant('blur' as const), sigma: fc.double({ min: 0.3, max: 4, noNaN: true }) }),
  fc.record({ op: fc.constant('sharpen' as const), sigma: fc.double({ min: 0.3, max: 2, noNaN: true }) }),
)
type RelativeStep = typeof relativeStep extends fc.Arbitrary<infer T> ? T : never

test('fused pipelines give the same result as single steps', async () => {
  await fc.assert(
    fc.asyncProperty(
      source,
      fc.array(relativeStep, { minLength: 1, maxLength: 6 }),
      async (made, relativeSteps) => {
        const bytes = await makeSource(made)
        const start = sourcePicture({ ...made, hasAlpha: made.alpha }, true)
        const recipe = parseRecipe({ steps: resolveRelativeSteps(relativeSteps, start, inPixels) })
        const fused = await runFused(recipe, bytes, start)
        const single = await runSingly(recipe.steps, bytes)
        const where = `${made.width}×${made.height}${made.alpha ? ' with alpha' : ''}: ${printText(recipe)}`
        expect({ where, width: fused.width, height: fused.height }).toEqual({
          where,
          width: single.width,
          height: single.height,
        })
        const { mean, worst } = distanceOf(fused.pixels, single.pixels)
        const allowed = fused.alpha ? tolerance.transparent : tolerance.opaque
        const isNear = mean <= allowed.mean && worst <= allowed.worst
        expect({ where, isNear }).toEqual({ where, isNear: true })
      },
    ),
    { numRuns: runs, seed },
  )
}, 110_000)

function inPixels(one: RelativeStep, picture: Picture): unknown {
  if (one.op === 'resize') return resizeToPixels(one, picture)
  if (one.op !== 'crop') return one
  const left = Math.floor(one.left * picture.width)
  const top = Math.floor(one.top * picture.height)
  const width = 1 + Math.floor(one.width * (picture.width - left))
  const height = 1 + Math.floor(one.height * (picture.height - top))
  return { op: 'crop', left, top, width, height }
}

/** A file with gradients, hard edges and a little noise, different for every seed, and with an EXIF orientation. */
async function makeSource({ width, height, alpha, orientation, seed }: Source): Promise<Buffer> {
  const channels = alpha ? 4 : 3
  const pixels = new Uint8Array(width * height * channels)
  let state = seed | 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
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

async function runFused(recipe: ReturnType<typeof parseRecipe>, bytes: Buffer, start: Picture) {
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
  return { pixels: await pixelsOf(current), ...after }
}

async function runSingly(steps: readonly Step[], bytes: Buffer) {
  let { data, info } = await sharp(bytes).autoOrient().png().toBuffer({ resolveWithObject: true })
  for (const step of steps) {
    const { width, height, channels } = info
    const before = { width, height, alpha: channels === 4 }
    const [output] = plan(parseRecipe({ steps: [{ op: 'orient', auto: false }, step] })).outputs
    for (const rendering of output === undefined ? [] : planRenderings(output, before, 'png')) {
      const pipeline = await rendering.apply(sharp(data), sharp)
      ;({ data, info } = await pipeline.png().toBuffer({ resolveWithObject: true }))
    }
  }
  return { pixels: await pixelsOf(data), width: info.width, height: info.height }
}

/** Pixels with colours premultiplied by alpha, because transparent pixels may have any colour. */
async function pixelsOf(bytes: Buffer): Promise<Float64Array> {
  const raw = await sharp(bytes).ensureAlpha().raw().toBuffer()
  return Float64Array.from(raw, (value, i) =>
    i % 4 === 3 ? value : (value * (raw[i - (i % 4) + 3] ?? 0)) / 255,
  )
}

function distanceOf(a: Float64Array, b: Float64Array): { mean: number; worst: number } {
  let [sum, worst] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0))
    sum += difference
    worst = Math.max(worst, difference)
  }
  return { mean: sum / a.length, worst }
}

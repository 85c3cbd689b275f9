import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { planRenderings } from './plan-renderings.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'

const size = { width: 4950, height: 3300 }
const color = [200, 100, 50]

/** A disc of one colour with smooth edges. */
const shape = await sharp(
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 24" width="4950" height="3300"><circle cx="18" cy="12" r="11"/></svg>`,
  ),
)
  .ensureAlpha()
  .extractChannel(3)
  .raw()
  .toBuffer()
const disc = await sharp({ create: { ...size, channels: 3, background: { r: 200, g: 100, b: 50 } } })
  .joinChannel(shape, { raw: { ...size, channels: 1 } })
  .png({ compressionLevel: 1 })
  .toBuffer()

/** The result, and the lengths of the intermediate pictures in bytes. */
async function run(recipe: string, source: Buffer) {
  const [output] = plan(parseRecipe(recipe)).outputs
  if (output === undefined) throw new Error('no output')
  const opened: number[] = []
  const [rendering] = planRenderings(output, { ...size, alpha: true }, 'png')
  const pipeline = await rendering.apply(sharp(source), (input, options) => {
    opened.push(input.length)
    return sharp(input, options)
  })
  const result = await pipeline.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { ...result, opened }
}

describe.each(['resize:90', 'resize:60x60:cover', 'resize:90x90:contain', 'orient/resize:90'])(
  '%s',
  (recipe) => {
    test('does not hold all pixels of a large transparent picture', async () => {
      const { opened } = await run(recipe, disc)
      expect(opened.length).toBeGreaterThan(0)
      expect(Math.max(...opened)).toBeLessThan(size.width * size.height)
    })

    test('keeps a flat colour and opaque pixels', async () => {
      const { data, info } = await run(recipe, disc)
      let worst = 0
      for (let at = 0; at < data.length; at += 4) {
        if ((data[at + 3] ?? 0) < 8) continue
        for (const [i, level] of color.entries())
          worst = Math.max(worst, Math.abs((data[at + i] ?? 0) - level))
      }
      expect(worst).toBeLessThanOrEqual(2)
      const middle = ((info.height >> 1) * info.width + (info.width >> 1)) * 4
      expect(data[middle + 3]).toBe(255)
    })
  },
)

test('a gray picture stays gray', async () => {
  const gray = await sharp({
    create: { ...size, channels: 4, background: { r: 90, g: 90, b: 90, alpha: 0.5 } },
  })
    .toColourspace('b-w')
    .png({ compressionLevel: 1 })
    .toBuffer()
  const { data } = await run('resize:90', gray)
  const off = [90, 90, 90, 128].map((level, i) => Math.abs((data[i] ?? 0) - level))
  expect(Math.max(...off)).toBeLessThanOrEqual(1)
})

test('the nearest kernel keeps pixel values', async () => {
  const { data } = await run('resize:90:kernel=nearest', disc)
  expect([...new Set(data.filter((_, i) => i % 4 === 3))].toSorted((a, b) => a - b).slice(-1)).toEqual([255])
})

test('the EXIF orientation is applied', async () => {
  const [width, height] = [size.height, size.width]
  const top = await sharp({ create: { width, height: 600, channels: 4, background: '#ff0000' } })
    .png()
    .toBuffer()
  const source = await sharp({ create: { width, height, channels: 4, background: '#00000000' } })
    .composite([{ input: top, left: 0, top: 0 }])
    .withMetadata({ orientation: 6 })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const { data, info } = await run('orient/resize:90', source)
  expect([info.width, info.height]).toEqual([90, 60])
  const alphaAt = (x: number, y: number) => data[(y * info.width + x) * 4 + 3]
  // Turned by 90° clockwise: the top is at the right.
  expect([alphaAt(88, 2), alphaAt(88, 58), alphaAt(1, 2), alphaAt(60, 30)]).toEqual([255, 255, 0, 0])
})

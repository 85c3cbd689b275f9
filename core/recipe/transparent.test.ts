import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { renderings } from './apply.ts'
import { filledColors } from './fill.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'

/** Whatever mixes neighbouring pixels leaves one colour with edges in alpha one colour. */

const size = { width: 120, height: 90 }

/** A disc and a wedge of one colour, their edges smooth; what is transparent is black. */
async function logo([red, green, blue]: readonly number[]): Promise<Buffer> {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">
    <circle cx="40" cy="45" r="30"/><path d="M70 10 L115 20 L90 85z"/></svg>`
  const shape = await sharp(Buffer.from(drawing)).ensureAlpha().raw().toBuffer()
  const pixels = shape.map((value, i) => {
    const alpha = shape[i - (i % 4) + 3] ?? 0
    return i % 4 === 3 ? value : alpha === 0 ? 0 : ([red, green, blue][i % 4] ?? 0)
  })
  return sharp(pixels, { raw: { ...size, channels: 4 } })
    .png()
    .toBuffer()
}

async function run(text: string, source: Buffer): Promise<Buffer> {
  const [output] = plan(parseRecipe(text)).outputs
  if (output === undefined) throw new Error('no output')
  let file = source
  for (const rendering of renderings(output, { ...size, alpha: true }, 'png')) {
    file = await (await rendering.apply(sharp(file), sharp)).toBuffer()
  }
  return file
}

describe.each(
  [
    'resize:40',
    'resize:70:kernel=cubic',
    'resize:200:enlarge',
    'resize:60x60:cover',
    'resize:80x80:contain',
  ].concat(
    [
      'blur:0.5',
      'blur:2',
      'blur:9',
      'sharpen',
      'sharpen:5:3:6',
      'rotate:30',
      'rotate:30/resize:50',
      'flip/sharpen',
    ],
    ['resize:50/sharpen', 'resize:60/blur:1/sharpen', 'blur:1/rotate:20/sharpen/resize:50'],
  ),
)('%s', (recipe) => {
  test.each([
    [255, 255, 255],
    [200, 100, 50],
    [30, 60, 90],
    [0, 0, 0],
  ])('leaves %p, %p, %p as it is', async (red, green, blue) => {
    const color = [red, green, blue]
    const pixels = await sharp(await run(recipe, await logo(color)))
      .ensureAlpha()
      .raw()
      .toBuffer()
    let visible = 0
    let worst = 0
    for (let at = 0; at < pixels.length; at += 4) {
      const alpha = pixels[at + 3] ?? 0
      if (alpha < 8) continue
      visible += 1
      for (const [i, level] of color.entries())
        worst = Math.max(worst, Math.abs((pixels[at + i] ?? 0) - level))
    }
    expect(visible).toBeGreaterThan(300)
    expect(worst).toBeLessThanOrEqual(recipe.includes('/') ? 4 : 2)
  })
})

test('opaque stays opaque, and half stays half, to a level', async () => {
  for (const alpha of [255, 128, 1]) {
    const flat = await sharp({
      create: { ...size, channels: 4, background: { r: 9, g: 200, b: 90, alpha: alpha / 255 } },
    })
      .png()
      .toBuffer()
    for (const recipe of ['resize:50', 'blur:1', 'blur:20', 'sharpen', 'resize:50/blur:3/sharpen']) {
      const raw = await sharp(await run(recipe, flat))
        .ensureAlpha()
        .raw()
        .toBuffer()
      const alphas = raw.filter((_, i) => i % 4 === 3)
      const off = Math.max(...alphas.map((value) => Math.abs(value - alpha)))
      expect({ recipe, alpha, off: alpha === 255 ? off : Math.max(0, off - 1) }).toEqual({
        recipe,
        alpha,
        off: 0,
      })
    }
  }
})

test('padding of a transparent picture has just the colour that was asked for', async () => {
  for (const [background, pixel] of [
    ['ff8800', [255, 136, 0, 255]],
    ['2244cc80', [34, 68, 204, 128]],
  ] as const) {
    const file = await run(`resize:40x80:contain:background=${background}`, await logo([200, 100, 50]))
    expect([...(await sharp(file).ensureAlpha().raw().toBuffer()).subarray(0, 4)]).toEqual([...pixel])
  }
})

test('transparent pixels take the colour of the nearest visible one', () => {
  const [width, height] = [7, 3]
  const data = new Uint8Array(width * height * 4)
  data.set([10, 20, 30, 255], (width + 1) * 4)
  data.set([200, 100, 50, 1], (width + 6) * 4)
  const colors = filledColors({ data, width, height })
  const red = Array.from({ length: width * height }, (_, i) => colors[i * 3])
  expect(red).toEqual([0, 1, 2].flatMap(() => [10, 10, 10, 10, 200, 200, 200]))
})

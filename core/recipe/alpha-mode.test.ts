import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { planRenderings } from './plan-renderings.ts'
import { fillTransparentColors } from './fill-transparent-colors.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'

/** Steps that mix neighbouring pixels do not change the colour of a single-coloured picture with edges in alpha. */

const size = { width: 120, height: 90 }

/** A disc and a wedge of one colour with smooth edges; fully transparent pixels are black. */
async function logo([red, green, blue]: readonly number[], { width, height } = size): Promise<Buffer> {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 120 90">
    <circle cx="40" cy="45" r="30"/><path d="M70 10 L115 20 L90 85z"/></svg>`
  const shape = await sharp(Buffer.from(drawing)).ensureAlpha().raw().toBuffer()
  const pixels = shape.map((value, i) => {
    const alpha = shape[i - (i % 4) + 3] ?? 0
    return i % 4 === 3 ? value : alpha === 0 ? 0 : ([red, green, blue][i % 4] ?? 0)
  })
  return sharp(pixels, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer()
}

async function run(text: string, source: Buffer, { width, height } = size): Promise<Buffer> {
  const [output] = plan(parseRecipe(text)).outputs
  if (output === undefined) throw new Error('no output')
  let file = source
  for (const rendering of planRenderings(output, { width, height, alpha: true }, 'png')) {
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
  ])('keeps the colour %p, %p, %p', async (red, green, blue) => {
    const color = [red, green, blue]
    const { visible, worst } = await errorOf(await run(recipe, await logo(color)), color)
    expect(visible).toBeGreaterThan(300)
    expect(worst).toBeLessThanOrEqual(recipe.includes('/') ? 4 : 2)
  })
})

/** The number of visible pixels, and the largest difference between one of them and the expected colour. */
async function errorOf(file: Buffer, color: readonly number[]): Promise<{ visible: number; worst: number }> {
  const pixels = await sharp(file).ensureAlpha().raw().toBuffer()
  let visible = 0
  let worst = 0
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3] ?? 0
    if (alpha < 8) continue
    visible += 1
    for (const [i, level] of color.entries()) worst = Math.max(worst, Math.abs((pixels[at + i] ?? 0) - level))
  }
  return { visible, worst }
}

test.each([
  'resize:70',
  'resize:101',
  'resize:60x60:cover',
  'resize:80x80:contain',
  'resize:90:kernel=nearest',
  'resize:70/sharpen',
])('%s keeps the colour of a picture that it makes much smaller', async (recipe) => {
  const large = { width: 1001, height: 750 }
  const color = [200, 100, 50]
  const { visible, worst } = await errorOf(await run(recipe, await logo(color, large), large), color)
  expect(visible).toBeGreaterThan(300)
  expect(worst).toBeLessThanOrEqual(2)
})

test('a large reduction does not shift the picture', async () => {
  const large = { width: 1201, height: 901 }
  const [red, green, blue] = [200, 100, 50]
  const source = await logo([red, green, blue], large)
  const made = await sharp(await run('resize:150', source, large))
    .extractChannel(3)
    .raw()
    .toBuffer()
  const known = await sharp(source).resize(150, 113, { fit: 'fill' }).extractChannel(3).raw().toBuffer()
  const apart = made.map((alpha, i) => Math.abs(alpha - (known[i] ?? 0)))
  expect(Math.max(...apart)).toBeLessThanOrEqual(12)
})

test.each(['resize:40', 'blur:2', 'sharpen', 'resize:50/blur:3/sharpen', 'resize:40x80:contain/blur:1'])(
  '%s on an opaque picture gives the same colours with and without an alpha channel, and keeps the channel',
  async (recipe) => {
    const opaque = await sharp(await logo([200, 100, 50]))
      .flatten({ background: '#103070' })
      .png()
      .toBuffer()
    const channelled = await sharp(opaque).ensureAlpha().png().toBuffer()
    const [output] = plan(parseRecipe(recipe)).outputs
    if (output === undefined) throw new Error('no output')
    let plain = opaque
    for (const rendering of planRenderings(output, { ...size, alpha: false }, 'png'))
      plain = await (await rendering.apply(sharp(plain), sharp)).toBuffer()
    const made = await run(recipe, channelled)
    expect((await sharp(made).metadata()).hasAlpha).toBe(true)
    const [expected, actual] = await Promise.all(
      [plain, made].map((file) => sharp(file).ensureAlpha().raw().toBuffer()),
    )
    expect(actual?.equals(expected ?? Buffer.alloc(0))).toBe(true)
  },
)

test('a colour profile is kept for pictures with transparent edges', async () => {
  const color = [200, 100, 50]
  const source = await sharp(await logo(color))
    .withIccProfile('p3')
    .png()
    .toBuffer()
  const own = await sharp(source).metadata()
  const raw = await sharp(source, { ignoreIcc: true }).raw().toBuffer()
  const at = (45 * size.width + 40) * 4
  const seen = [...raw.subarray(at, at + 3)]
  for (const recipe of ['resize:60', 'blur:1', 'sharpen', 'resize:60/flip/blur:1/sharpen']) {
    const file = await run(`${recipe}/format:colorspace=keep`, source)
    expect((await sharp(file).metadata()).icc?.equals(own.icc ?? Buffer.alloc(0))).toBe(true)
    const unconverted = await sharp(file, { ignoreIcc: true }).png().toBuffer()
    expect((await errorOf(unconverted, seen)).worst).toBeLessThanOrEqual(4)
  }
})

test('uniform alpha is unchanged: exactly if opaque, otherwise within one level', async () => {
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

test('padding of a transparent picture has exactly the requested colour', async () => {
  for (const [background, pixel] of [
    ['ff8800', [255, 136, 0, 255]],
    ['2244cc80', [34, 68, 204, 128]],
  ] as const) {
    const file = await run(`resize:40x80:contain:background=${background}`, await logo([200, 100, 50]))
    expect([...(await sharp(file).ensureAlpha().raw().toBuffer()).subarray(0, 4)]).toEqual([...pixel])
  }
})

test('transparent pixels get the colour of the nearest visible pixel', () => {
  const [width, height] = [7, 3]
  const data = new Uint8Array(width * height * 4)
  data.set([10, 20, 30, 255], (width + 1) * 4)
  data.set([200, 100, 50, 1], (width + 6) * 4)
  const colors = fillTransparentColors({ data, width, height })
  const red = Array.from({ length: width * height }, (_, i) => colors[i * 3])
  expect(red).toEqual([0, 1, 2].flatMap(() => [10, 10, 10, 10, 200, 200, 200]))
})

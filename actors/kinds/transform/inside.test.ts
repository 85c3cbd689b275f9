import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { sniff, writableFormatIds, formatIds, type FormatId } from '@pixelflow/core/format'
import { outputNames, parseRecipe } from '@pixelflow/core/recipe/recipe'
import { sampleImage } from '@pixelflow/testkit/images'
import sharp from 'sharp'
import { transformInside } from './inside.ts'
import { outputPath } from './protocol.ts'

/** The inner half, run in this process: what it makes of good pictures, and what it says of bad ones. */

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-inside-'))
  await transformInside.warmUp()
})
afterAll(() => rm(home, { recursive: true, force: true }))

interface Options {
  readonly format?: FormatId
  readonly maxPixels?: number
  readonly inStages?: boolean
}

async function transform(bytes: Uint8Array, recipe: unknown, options: Options = {}) {
  const folder = await mkdtemp(join(home, 'task-'))
  const source = join(folder, 'source')
  await Bun.write(source, bytes)
  const parsed = parseRecipe(recipe)
  const outputs = outputNames(parsed)
  const notes: unknown[] = []
  const format = options.format ?? sniff(bytes)
  const { maxPixels = 1e8, inStages = true } = options
  await transformInside.run({ source, format, recipe: parsed, outputs, folder, inStages, maxPixels }, (n) =>
    notes.push(n),
  )
  const files = await Promise.all(outputs.map((_, i) => Bun.file(outputPath(folder, i)).bytes()))
  return {
    notes,
    left: await readdir(folder),
    files,
    file: files[0] as Uint8Array,
    picture: await sharp(files[0]).metadata(),
  }
}

async function refusal(bytes: Uint8Array, recipe: unknown, options: Options = {}): Promise<Fault> {
  const thrown = await transform(bytes, recipe, options).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(Fault)
  return thrown as Fault
}

async function pixelsOf(file: Uint8Array) {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  return {
    ...info,
    at: (x: number, y: number) =>
      [...data.subarray((y * info.width + x) * info.channels)].slice(0, info.channels),
  }
}

/** By how much two pictures differ where they differ most. */
function furthest(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? 0))), 0)
}

/** A picture of one colour. */
function plain(width: number, height: number, color: string) {
  return sharp({ create: { width, height, channels: color.length > 7 ? 4 : 3, background: color } })
}

describe('a good picture', () => {
  test.each(formatIds)('comes from %s in every format that can be written', async (from) => {
    const bytes = await sampleImage({ format: from, width: 200, height: 120 })
    for (const to of writableFormatIds) {
      const { picture, notes, left } = await transform(bytes, `resize:100/format:${to}`)
      expect(picture).toMatchObject({ width: 100, height: 60, format: to === 'avif' ? 'heif' : to })
      expect(notes).toEqual([
        { stage: 'decoded' },
        { stage: 'output', index: 0, format: to, width: 100, height: 60 },
      ])
      expect(left.toSorted()).toEqual(['output-0', 'source'])
    }
  })

  test.each([
    ['jpeg', 'jpeg'],
    ['webp', 'webp'],
    ['gif', 'png'],
    ['tiff', 'png'],
  ] as const)('keeps its format: %s becomes %s', async (from, to) => {
    const { picture } = await transform(await sampleImage({ format: from, width: 50, height: 40 }), 'flop')
    expect(picture).toMatchObject({ format: to, width: 50, height: 40 })
  })

  test('stands upright, and says nothing about where and by whom it was taken', async () => {
    const bytes = await sampleImage({ width: 60, height: 40, orientation: 6, gps: true })
    const { picture, file } = await transform(bytes, 'resize:20')
    expect(picture).toMatchObject({ width: 20, height: 30 })
    expect(picture.orientation).toBeUndefined()
    expect(picture.exif).toBeUndefined()
    expect(picture.xmp).toBeUndefined()
    expect(Buffer.from(file).includes('PixelFlow')).toBe(false)
    const lying = await transform(bytes, 'orient:false/resize:20')
    expect(lying.picture).toMatchObject({ width: 20, height: 13 })
    const kept = await transform(bytes, 'resize:20/blur:1/format:metadata=keep')
    expect(kept.picture.exif?.includes('PixelFlow')).toBe(true)
    expect(kept.picture).toMatchObject({ width: 20, height: 30, orientation: 1 })
  })

  test('has sRGB colours whatever its profile said, or keeps both', async () => {
    const wide = await plain(8, 8, '#c86432').withIccProfile('p3').png().toBuffer()
    const { file, picture } = await transform(wide, 'flip')
    expect(picture.icc).toBeUndefined()
    expect((await pixelsOf(file)).at(2, 2).map((v) => Math.round(v / 3))).toEqual(
      [200, 100, 50].map((v) => Math.round(v / 3)),
    )
    const kept = await transform(wide, 'flip/blur:1/format:png:colorspace=keep')
    expect(kept.picture.icc?.length).toBeGreaterThan(100)
    const raw = await sharp(kept.file, { ignoreIcc: true }).raw().toBuffer()
    const before = await sharp(wide, { ignoreIcc: true }).raw().toBuffer()
    expect(Math.abs((raw[0] ?? 0) - (before[0] ?? 99))).toBeLessThanOrEqual(2)
  })

  test('of 16 bits, of gray or of printing inks comes out in ordinary colours', async () => {
    const [deep, gray, inks] = await Promise.all([
      plain(8, 8, '#c86432').toColourspace('rgb16').png().toBuffer(),
      plain(8, 8, '#808080').toColourspace('b-w').jpeg().toBuffer(),
      plain(8, 8, '#c86432').toColourspace('cmyk').jpeg().toBuffer(),
    ])
    expect((await pixelsOf((await transform(deep, 'flip/format:png')).file)).at(0, 0)).toEqual([200, 100, 50])
    expect((await pixelsOf((await transform(gray, 'flip/format:png')).file)).at(0, 0)).toEqual([
      128, 128, 128,
    ])
    expect((await transform(inks, 'flip')).picture).toMatchObject({ space: 'srgb', channels: 3 })
  })

  test('is laid on white, or on what is asked for, only where the format has no transparency', async () => {
    const clear = await sampleImage({ format: 'png', alpha: true, width: 64, height: 64 })
    const flat = await pixelsOf((await transform(clear, 'flip/format:jpeg:100')).file)
    expect(flat.channels).toBe(3)
    expect(flat.at(0, 0).every((v) => v > 250)).toBe(true)
    const red = await pixelsOf((await transform(clear, 'grayscale/format:jpeg:100:background=f00')).file)
    expect(red.at(0, 0)[0]).toBeGreaterThan(245)
    expect(red.at(0, 0)[1]).toBeLessThan(10)
    const still = await pixelsOf((await transform(clear, 'resize:32/blur:1/format:webp')).file)
    expect(still.at(0, 0)[3]).toBe(0)
  })

  test('is the first frame when it moves', async () => {
    const frames = await Promise.all(
      ['#ff0000', '#00ff00'].map((color) => plain(20, 10, color).png().toBuffer()),
    )
    const moving = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer()
    expect((await sharp(moving).metadata()).pages).toBe(2)
    const { picture, file } = await transform(moving, 'format:png')
    expect(picture).toMatchObject({ width: 20, height: 10 })
    expect((await pixelsOf(file)).at(5, 5).slice(0, 3)).toEqual([255, 0, 0])
  })

  test('is the same in one go, where nobody wants to know the stages', async () => {
    const sources = await Promise.all([
      sampleImage({ width: 800, height: 600, orientation: 6, gps: true }),
      sampleImage({ width: 300, height: 200, format: 'png', alpha: true }),
    ])
    const recipes = [
      'resize:200',
      'resize:300/format:webp',
      'rotate:90/crop:10:10:100:90/format:png',
      'grayscale/format:jpeg',
      'blur:2/sharpen',
      'flip/resize:90x90:cover',
      'format:png:metadata=keep',
      'resize:10/format:jpeg:colorspace=keep',
    ]
    for (const source of sources) {
      for (const recipe of recipes) {
        const staged = await transform(source, recipe)
        const atOnce = await transform(source, recipe, { inStages: false })
        const pixels = (file: Uint8Array) => sharp(file).raw().toBuffer()
        const [one, other] = await Promise.all([pixels(staged.file), pixels(atOnce.file)])
        expect([recipe, one.length, furthest(one, other)]).toEqual([recipe, other.length, 0])
        expect(atOnce.picture).toEqual(staged.picture)
        expect(atOnce.notes.at(-1)).toEqual(staged.notes.at(-1))
        expect(atOnce.left.toSorted()).toEqual(staged.left.toSorted())
      }
    }
  })

  test('gives equal bytes each time', async () => {
    const bytes = await sampleImage()
    const [one, two] = await Promise.all([1, 2].map(() => transform(bytes, 'resize:300/sharpen/format:webp')))
    expect(one?.file).toEqual(two?.file as Uint8Array)
  })
})

describe('several outputs', () => {
  test('share what they begin with, and equal what each gives alone', async () => {
    const bytes = await sampleImage({ width: 900, height: 700 })
    const steps = [{ op: 'resize', width: 400 }]
    const outputs = {
      small: {
        steps: [
          { op: 'resize', width: 100 },
          { op: 'format', type: 'png' },
        ],
      },
      soft: {
        steps: [
          { op: 'blur', sigma: 2 },
          { op: 'format', type: 'png' },
        ],
      },
      gray: { steps: [{ op: 'grayscale' }, { op: 'format', type: 'png' }] },
      plain: { steps: [] },
      kept: { steps: [{ op: 'format', metadata: 'keep', type: 'png' }] },
    }
    const { files, notes } = await transform(bytes, { steps, outputs })
    expect(notes.length).toBe(6)
    for (const [i, own] of Object.values(outputs).entries()) {
      const alone = await transform(bytes, { steps: [...steps, ...own.steps] })
      // Fused or one by one, a value may be rounded the other way.
      const [a, b] = await Promise.all(
        [files[i] as Uint8Array, alone.file].map((file) => sharp(file).raw().toBuffer()),
      )
      expect(a?.length).toBe(b?.length as number)
      expect(Math.max(...(a ?? []).map((v, n) => Math.abs(v - (b?.[n] ?? 0))))).toBeLessThanOrEqual(2)
    }
  })
})

describe('a bad picture', () => {
  const half = (bytes: Uint8Array) => bytes.slice(0, Math.floor(bytes.length * 0.6))
  const spoiled = (bytes: Uint8Array) =>
    bytes.map((b, i) => (i > bytes.length / 2 && i < bytes.length / 2 + 64 ? (i * 37) & 255 : b))

  test.each(formatIds)('%s cut in half is refused, in stages and in one go', async (format) => {
    const cut = half(await sampleImage({ format, width: 400, height: 300 }))
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await refusal(cut, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
        expect(fault.message).not.toMatch(/vips|\/|task-/i)
        expect(fault.cause).toBeDefined()
      }
    }
  })

  test.each(['png', 'gif', 'avif'] as const)('%s with spoiled bytes is refused', async (format) => {
    const fault = await refusal(spoiled(await sampleImage({ format, width: 400, height: 300 })), 'resize:100')
    expect(fault.code).toBe('corrupt_image')
  })

  test('a PNG whose header was tampered with is refused, in stages and in one go', async () => {
    const tampered = new Uint8Array(await sampleImage({ format: 'png', width: 400, height: 300 }))
    new DataView(tampered.buffer).setUint32(16, 401)
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await refusal(tampered, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
      }
    }
  })

  test('a JPEG with spoiled bytes is taken, as every viewer takes it', async () => {
    const { picture } = await transform(spoiled(await sampleImage({ width: 400, height: 300 })), 'resize:100')
    expect(picture.width).toBe(100)
  })

  test('a header that promises 65,000 × 65,000 pixels is refused before anything is decoded', async () => {
    const huge = new Uint8Array(await sampleImage({ format: 'png', width: 8, height: 8 }))
    new DataView(huge.buffer).setUint32(16, 65_000)
    new DataView(huge.buffer).setUint32(20, 65_000)
    expect((await refusal(huge, 'resize:100')).code).toBe('too_many_pixels')
    const large = await refusal(await sampleImage({ width: 200, height: 200 }), 'flip', { maxPixels: 39_999 })
    expect(large.code).toBe('too_many_pixels')
  })

  test('what is something else than it seemed is refused', async () => {
    const png = await sampleImage({ format: 'png', width: 8, height: 8 })
    expect((await refusal(png, 'flip', { format: 'jpeg' })).code).toBe('unsupported_format')
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    expect((await refusal(svg, 'flip', { format: 'png' })).code).toBe('unsupported_format')
  })
})

describe('a recipe that does not fit the picture', () => {
  test('is refused with the step, before anything is decoded', async () => {
    const bytes = await sampleImage({ width: 400, height: 300 })
    const outside = await refusal(bytes, 'resize:200/crop:150:0:100:100')
    expect(outside.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].width' })
    expect(outside.message).toContain('200×150')
    const grown = await refusal(bytes, 'resize:60000x60000:fill:enlarge=true')
    expect(grown.report()).toMatchObject({ code: 'too_many_pixels', field: 'steps[0]' })
    const wide = await refusal(bytes, 'resize:20000x10:fill:enlarge=true/format:webp')
    expect(wide.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].type' })
    const avif = await refusal(bytes, 'resize:17000x10:fill:enlarge=true/format:avif')
    expect(avif.code).toBe('processing_failed')
  })
})

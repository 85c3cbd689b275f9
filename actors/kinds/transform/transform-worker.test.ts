import { describe, expect, test } from 'bun:test'
import { writableFormatIds, formatIds } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../testing/transform-harness.ts'
import { maxMessageFileBytes } from './transform-input.ts'

/** The transform worker in this process: results of valid images. */

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

const transform: TransformHarness['transform'] = (...all) => harness.transform(...all)

async function pixelsOf(file: Uint8Array) {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  return {
    ...info,
    at: (x: number, y: number) =>
      [...data.subarray((y * info.width + x) * info.channels)].slice(0, info.channels),
  }
}

/** The largest difference of two images in one value. */
function maxDifference(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? 0))), 0)
}

/** An image of one colour. */
function plain(width: number, height: number, color: string) {
  return sharp({ create: { width, height, channels: color.length > 7 ? 4 : 3, background: color } })
}

describe('a valid image', () => {
  test.each(formatIds)('of format %s is written in every output format', async (from) => {
    const bytes = await sampleImage({ format: from, width: 200, height: 120 })
    for (const to of writableFormatIds) {
      const { metadata, notes, left } = await transform(bytes, `resize:100/format:${to}`)
      expect(metadata).toMatchObject({ width: 100, height: 60, format: to === 'avif' ? 'heif' : to })
      expect(notes).toMatchObject([
        { stage: 'decoded' },
        { stage: 'output', index: 0, format: to, width: 100, height: 60 },
      ])
      expect(left).toEqual(['source'])
    }
  })

  test.each([
    ['jpeg', 'jpeg'],
    ['webp', 'webp'],
    ['gif', 'png'],
    ['tiff', 'png'],
  ] as const)('keeps its format: %s becomes %s', async (from, to) => {
    const { metadata } = await transform(await sampleImage({ format: from, width: 50, height: 40 }), 'flop')
    expect(metadata).toMatchObject({ format: to, width: 50, height: 40 })
  })

  test('is turned upright and has no location and author metadata', async () => {
    const bytes = await sampleImage({ width: 60, height: 40, orientation: 6, gps: true })
    const { metadata, file } = await transform(bytes, 'resize:20')
    expect(metadata).toMatchObject({ width: 20, height: 30 })
    expect(metadata.orientation).toBeUndefined()
    expect(metadata.exif).toBeUndefined()
    expect(metadata.xmp).toBeUndefined()
    expect(Buffer.from(file).includes('PixelFlow')).toBe(false)
    const unturned = await transform(bytes, 'orient:false/resize:20')
    expect(unturned.metadata).toMatchObject({ width: 20, height: 13 })
    const kept = await transform(bytes, 'resize:20/blur:1/format:metadata=keep')
    expect(kept.metadata.exif?.includes('PixelFlow')).toBe(true)
    expect(kept.metadata).toMatchObject({ width: 20, height: 30, orientation: 1 })
  })

  test('is converted to sRGB, or keeps its colours and profile', async () => {
    const wide = await plain(8, 8, '#c86432').withIccProfile('p3').png().toBuffer()
    const { file, metadata } = await transform(wide, 'flip')
    expect(metadata.icc).toBeUndefined()
    expect((await pixelsOf(file)).at(2, 2).map((v) => Math.round(v / 3))).toEqual(
      [200, 100, 50].map((v) => Math.round(v / 3)),
    )
    const kept = await transform(wide, 'flip/blur:1/format:png:colorspace=keep')
    expect(kept.metadata.icc?.length).toBeGreaterThan(100)
    const raw = await sharp(kept.file, { ignoreIcc: true }).raw().toBuffer()
    const before = await sharp(wide, { ignoreIcc: true }).raw().toBuffer()
    expect(Math.abs((raw[0] ?? 0) - (before[0] ?? 99))).toBeLessThanOrEqual(2)
  })

  test('of 16 bits, gray or CMYK is converted to 8-bit sRGB', async () => {
    const [deep, gray, cmyk] = await Promise.all([
      plain(8, 8, '#c86432').toColourspace('rgb16').png().toBuffer(),
      plain(8, 8, '#808080').toColourspace('b-w').jpeg().toBuffer(),
      plain(8, 8, '#c86432').toColourspace('cmyk').jpeg().toBuffer(),
    ])
    expect((await pixelsOf((await transform(deep, 'flip/format:png')).file)).at(0, 0)).toEqual([200, 100, 50])
    expect((await pixelsOf((await transform(gray, 'flip/format:png')).file)).at(0, 0)).toEqual([
      128, 128, 128,
    ])
    expect((await transform(cmyk, 'flip')).metadata).toMatchObject({ space: 'srgb', channels: 3 })
  })

  test('is flattened on white, or on the given background, only where the format has no transparency', async () => {
    const transparent = await sampleImage({ format: 'png', alpha: true, width: 64, height: 64 })
    const flat = await pixelsOf((await transform(transparent, 'flip/format:jpeg:100')).file)
    expect(flat.channels).toBe(3)
    expect(flat.at(0, 0).every((v) => v > 250)).toBe(true)
    const red = await pixelsOf(
      (await transform(transparent, 'grayscale/format:jpeg:100:background=f00')).file,
    )
    expect(red.at(0, 0)[0]).toBeGreaterThan(245)
    expect(red.at(0, 0)[1]).toBeLessThan(10)
    const still = await pixelsOf((await transform(transparent, 'resize:32/blur:1/format:webp')).file)
    expect(still.at(0, 0)[3]).toBe(0)
  })

  test('is the first frame of an animation', async () => {
    const frames = await Promise.all(
      ['#ff0000', '#00ff00'].map((color) => plain(20, 10, color).png().toBuffer()),
    )
    const moving = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer()
    expect((await sharp(moving).metadata()).pages).toBe(2)
    const { metadata, file } = await transform(moving, 'format:png')
    expect(metadata).toMatchObject({ width: 20, height: 10 })
    expect((await pixelsOf(file)).at(5, 5).slice(0, 3)).toEqual([255, 0, 0])
  })

  test('is the same with stages and without', async () => {
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
        expect([recipe, one.length, maxDifference(one, other)]).toEqual([recipe, other.length, 0])
        expect(atOnce.metadata).toEqual(staged.metadata)
        expect(atOnce.notes.at(-1)).toEqual(staged.notes.at(-1))
        expect(atOnce.left.toSorted()).toEqual(staged.left.toSorted())
        const short = await transform(source, recipe, { shortStageMs: 1000 })
        expect(short.notes).toMatchObject(staged.notes.map(({ stage }) => ({ stage })))
        expect([atOnce.file, staged.file].some((file) => Buffer.compare(file, short.file) === 0)).toBe(true)
      }
    }
  }, 60_000)

  test('gives equal bytes in each run', async () => {
    const bytes = await sampleImage()
    const [one, two] = await Promise.all([1, 2].map(() => transform(bytes, 'resize:300/sharpen/format:webp')))
    expect(one?.file).toEqual(two?.file as Uint8Array)
  })
})

test('a large result is a file, which appears when it is complete', async () => {
  const bytes = await sampleImage({ width: 2400, height: 1800, noise: 60 })
  for (const recipe of ['resize:1200', 'flip']) {
    const { notes, left, file, metadata } = await transform(bytes, recipe)
    expect(notes.at(-1)).not.toHaveProperty('base64')
    expect(left.toSorted()).toEqual(['output-0', 'source'])
    expect(file.length).toBeGreaterThan(maxMessageFileBytes)
    expect(metadata.width).toBe(recipe === 'flip' ? 2400 : 1200)
  }
})

describe('several outputs', () => {
  test('share their common passes, and equal the outputs of separate tasks', async () => {
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
      // A fused pass and separate passes may round a value differently.
      const [a, b] = await Promise.all(
        [files[i] as Uint8Array, alone.file].map((file) => sharp(file).raw().toBuffer()),
      )
      expect(a?.length).toBe(b?.length as number)
      expect(Math.max(...(a ?? []).map((v, n) => Math.abs(v - (b?.[n] ?? 0))))).toBeLessThanOrEqual(2)
    }
  })
})

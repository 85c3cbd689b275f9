import { describe, expect, test } from 'bun:test'
import sharp, { type Metadata, type Sharp } from 'sharp'
import { Fault } from '../fault.ts'
import type { WritableFormatId } from '../format.ts'
import { planRenderings, sourcePicture } from './plan-renderings.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'

/** Runs all renderings of a recipe. */
async function run(text: string, source: Buffer, target: WritableFormatId) {
  const [output] = plan(parseRecipe(text)).outputs
  if (output === undefined) throw new Error('no output')
  const picture = sourcePicture(await sharp(source).metadata(), output.source.orient)
  const steps = planRenderings(output, picture, output.format.type ?? target)
  let file = source
  for (const step of steps) {
    const { data, info } = await (await step.apply(sharp(file), sharp)).toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([step.after.width, step.after.height])
    file = data
  }
  return {
    file,
    metadata: await sharp(file).metadata(),
    pipelines: steps.length,
    pixel: await firstPixel(file),
  }
}

async function firstPixel(file: Buffer): Promise<number[]> {
  return [...(await sharp(file).ensureAlpha().raw().toBuffer()).subarray(0, 4)]
}

/** Allows the small differences of lossy formats and repeated rounding. */
function expectNear(pixel: readonly number[], expected: readonly number[]): void {
  const distance = Math.max(...expected.map((value, i) => Math.abs(value - (pixel[i] ?? Number.NaN))))
  expect({ pixel, isNear: distance <= 6 }).toEqual({ pixel, isNear: true })
}

const colored = { create: { width: 40, height: 20, channels: 3, background: '#c04020' } } as const

/** A photograph like that of a phone: EXIF orientation, a wide colour space, and a location. */
const photo = await sharp(colored)
  .withMetadata({ orientation: 6 })
  .withExifMerge({
    IFD0: { Copyright: 'example' },
    IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' },
  })
  .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>')
  .withIccProfile('p3')
  .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
  .toBuffer()
const presentMetadata = ({ exif, xmp, icc, orientation }: Metadata) => ({
  exif: exif !== undefined,
  xmp: xmp !== undefined,
  icc: icc !== undefined,
  orientation: orientation ?? 1,
})

describe('defaults', () => {
  test('the result is upright, without metadata and in sRGB', async () => {
    const { metadata, pixel } = await run('', photo, 'jpeg')
    expect(presentMetadata(await sharp(photo).metadata())).toEqual({
      exif: true,
      xmp: true,
      icc: true,
      orientation: 6,
    })
    expect([metadata.width, metadata.height]).toEqual([20, 40])
    expect(presentMetadata(metadata)).toEqual({ exif: false, xmp: false, icc: false, orientation: 1 })
    expectNear(pixel, [192, 64, 32, 255])
  })

  test.each(['jpeg', 'png', 'webp', 'avif'] as const)('%s has no location metadata', async (target) => {
    const { metadata } = await run('resize:10/blur/resize:5', photo, target)
    expect(presentMetadata(metadata)).toEqual({ exif: false, xmp: false, icc: false, orientation: 1 })
  })

  test('a 16-bit picture with a profile is converted to sRGB', async () => {
    const deep = await sharp(colored).toColourspace('rgb16').withIccProfile('p3').png().toBuffer()
    expect((await sharp(deep).metadata()).depth).toBe('ushort')
    for (const text of ['', 'flip', 'blur/flip/blur', 'resize:9/format:webp:lossless']) {
      const { pixel, metadata } = await run(text, deep, 'png')
      expectNear(pixel, [192, 64, 32, 255])
      expect(metadata.icc).toBeUndefined()
    }
    const plain = await sharp(colored).toColourspace('rgb16').png().toBuffer()
    expectNear((await run('', plain, 'png')).pixel, [192, 64, 32, 255])
  })
})

describe('options', () => {
  test.each(['format:metadata=keep', 'blur/flip/resize:5/format:metadata=keep'])(
    'metadata is kept: %s',
    async (text) => {
      const { metadata } = await run(text, photo, 'jpeg')
      expect(presentMetadata(metadata)).toEqual({ exif: true, xmp: true, icc: false, orientation: 1 })
      expect(metadata.exif?.includes('example')).toBe(true)
    },
  )

  test.each(['format:colorspace=keep', 'blur/flip/resize:5/format:colorspace=keep'])(
    'the colour profile is kept: %s',
    async (text) => {
      const { metadata, file } = await run(text, photo, 'png')
      expect(presentMetadata(metadata)).toEqual({ exif: false, xmp: false, icc: true, orientation: 1 })
      const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer()
      expectNear([...stored.subarray(0, 3)], [178, 73, 44])
    },
  )

  test('orient:false keeps the stored orientation, and its EXIF tag only with the metadata', async () => {
    const plain = await run('orient:false', photo, 'jpeg')
    expect([plain.metadata.width, plain.metadata.orientation ?? 1]).toEqual([40, 1])
    const kept = await run('orient:false/format:metadata=keep', photo, 'jpeg')
    expect([kept.metadata.width, kept.metadata.orientation]).toEqual([40, 6])
  })

  test('CMYK is converted to RGB with a matching profile even with colorspace=keep', async () => {
    const print = await sharp(colored).toColourspace('cmyk').withIccProfile('cmyk').jpeg().toBuffer()
    const { metadata } = await run('blur/flip/format:colorspace=keep', print, 'jpeg')
    expect([metadata.space, metadata.icc?.subarray(16, 20).toString()]).toEqual(['srgb', 'RGB '])
  })
})

describe('transparency', () => {
  const translucent = { create: { width: 40, height: 20, channels: 4, background: '#ff000080' } } as const
  const source = sharp(translucent).png()

  test('is flattened on white for JPEG, after all other steps', async () => {
    const file = await source.toBuffer()
    const { pixel, pipelines } = await run('resize:10/format:jpeg', file, 'png')
    expectNear(pixel, [255, 127, 127, 255])
    expect(pipelines).toBe(2)
    expectNear((await run('format:jpeg:background=000', file, 'png')).pixel, [128, 0, 0, 255])
  })

  test('is kept in every other format, through several pipelines', async () => {
    const file = await source.toBuffer()
    for (const type of ['png', 'webp', 'avif']) {
      const { pixel } = await run(`flip/grayscale/blur/flip/format:${type}`, file, 'png')
      expectNear(pixel, [127, 127, 127, 128])
    }
  })

  test('added by steps is flattened too; opaque pictures need no extra pipeline', async () => {
    expectNear((await run('resize:20x20:contain', photo, 'jpeg')).pixel, [255, 255, 255, 255])
    expectNear(
      (await run('rotate:45/format:jpeg:100:subsampling=444:background=0f0', photo, 'jpeg')).pixel,
      [0, 255, 0, 255],
    )
    expect((await run('resize:20/blur', photo, 'jpeg')).pipelines).toBe(1)
  })

  test('padding after grayscale keeps its colour', async () => {
    const { pixel } = await run('grayscale/resize:30x30:contain:background=f00', photo, 'png')
    expectNear(pixel, [255, 0, 0, 255])
  })
})

describe('a fault that depends on the picture', () => {
  const source = { width: 300, height: 200, alpha: false }
  const faultOf = (recipe: unknown, target: WritableFormatId = 'jpeg') => {
    const [output] = plan(parseRecipe(recipe)).outputs
    if (output === undefined) throw new Error('no output')
    try {
      planRenderings(output, source, target)
    } catch (thrown) {
      if (thrown instanceof Fault) return thrown.report()
    }
    throw new Error('no fault')
  }

  test('a crop outside the result of the previous steps', () => {
    expect(faultOf('resize:150/crop:100:0:100:50')).toEqual({
      code: 'processing_failed',
      field: 'steps[1].width',
      detail:
        'The crop area ends outside the image: left 100 + width 100 = 200, ' +
        'but the image is 150 pixels wide at this step (150×100).',
      remedy: 'Set left and width so that their sum is at most 150.',
    })
    const steps = [
      { op: 'rotate', angle: 90 },
      { op: 'crop', left: 0, top: 0, width: 201, height: 1 },
    ]
    expect(faultOf({ steps: [], outputs: { a: { steps } } }).field).toBe('outputs.a.steps[1].width')
  })

  test('a parameter that the format of the source does not support', () => {
    expect(faultOf('format:lossless')).toMatchObject({
      field: 'steps[0].lossless',
      code: 'processing_failed',
    })
    expect(faultOf('resize:20000:enlarge/format:webp', 'webp')).toMatchObject({ field: 'steps[1].type' })
    expect(faultOf('resize:20000:enlarge', 'webp').detail).toContain('20000×13333')
  })
})

test('width and height of a source with EXIF orientation 5 to 8 are swapped only if it is turned upright', () => {
  const stored = { width: 40, height: 20, orientation: 8 }
  expect(sourcePicture(stored, true)).toEqual({ width: 20, height: 40, alpha: false })
  expect(sourcePicture(stored, false)).toEqual({ width: 40, height: 20, alpha: false })
  expect(sourcePicture({ ...stored, orientation: 3, hasAlpha: true }, true)).toEqual({
    width: 40,
    height: 20,
    alpha: true,
  })
})

test('every EXIF orientation is applied correctly, and before a resize', async () => {
  // The mark is in the top left corner of the upright picture.
  const upright = sharp({ create: { width: 6, height: 4, channels: 3, background: 'black' } })
  const mark = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'white' } })
    .png()
    .toBuffer()
  const marked = await upright
    .composite([{ input: mark, left: 0, top: 0 }])
    .png()
    .toBuffer()
  const inverses = [
    (p: Sharp) => p,
    (p: Sharp) => p.flop(),
    (p: Sharp) => p.rotate(180),
    (p: Sharp) => p.flip(),
    (p: Sharp) => p.flip().rotate(90),
    (p: Sharp) => p.rotate(-90),
    (p: Sharp) => p.flop().rotate(90),
    (p: Sharp) => p.rotate(90),
  ]
  const expected = await run('resize:12:enlarge', marked, 'png')
  for (const [i, store] of inverses.entries()) {
    const stored = await sharp(await store(sharp(marked)).png().toBuffer())
      .withMetadata({ orientation: i + 1 })
      .png()
      .toBuffer()
    const { file } = await run('resize:12:enlarge', stored, 'png')
    const [actual, wanted] = [await sharp(file).raw().toBuffer(), await sharp(expected.file).raw().toBuffer()]
    expect({ orientation: i + 1, isSame: actual.equals(wanted) }).toEqual({
      orientation: i + 1,
      isSame: true,
    })
  }
})

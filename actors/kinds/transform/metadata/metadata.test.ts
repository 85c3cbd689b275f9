import { describe, expect, test } from 'bun:test'
import { writableFormatIds } from '@pixelflow/core/format'
import {
  describedImage,
  thumbnail,
  describedTexts,
  imageWithProfile,
  xmpWithEmbeddedImages,
} from '@pixelflow/testkit/described-image'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

/** The metadata of results that keep it. */

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

const sources = ['jpeg', 'tiff', 'png', 'webp', 'avif'] as const
/** Enough of the thumbnail to identify it, without the first bytes, which every JPEG has. */
const partOfThumbnail = Buffer.from(thumbnail.subarray(-200))

/** The file, and its content after decompression. */
async function read(file: Uint8Array) {
  const { exif = Buffer.alloc(0), xmp, ...metadata } = await sharp(file).metadata()
  return { ...metadata, exif, xmp: xmp?.toString() ?? '', all: Buffer.concat([file, exif]) }
}

describe('EXIF', () => {
  for (const inStages of [true, false]) {
    test.each(sources)(
      `of %s survives in every format, without its embedded images${inStages ? '' : ', in one go'}`,
      async (format) => {
        const bytes = await describedImage({ format })
        expect(Buffer.from(bytes).includes(partOfThumbnail)).toBe(true)
        for (const target of writableFormatIds) {
          const recipe = `crop:0:0:10:10/format:${target}:metadata=keep`
          const {
            exif,
            all,
            orientation = 1,
          } = await read((await harness.transform(bytes, recipe, { inStages })).file)
          expect({ target, foundTexts: describedTexts.filter((text) => exif.includes(text)) }).toEqual({
            target,
            foundTexts: [...describedTexts],
          })
          expect({ target, thumbnail: all.includes(partOfThumbnail), orientation }).toEqual({
            target,
            thumbnail: false,
            orientation: 1,
          })
        }
      },
    )
  }

  test.each([
    { format: 'jpeg', bigEndian: true },
    { format: 'tiff', bigEndian: true },
    { format: 'tiff', bigTiff: true },
    { format: 'tiff', bigTiff: true, bigEndian: true },
  ] as const)('is read as it is written: %p', async (options) => {
    const { file } = await harness.transform(await describedImage(options), 'format:jpeg:metadata=keep')
    const { exif, width, height } = await read(file)
    expect(describedTexts.filter((text) => exif.includes(text))).toEqual([...describedTexts])
    expect([width, height]).toEqual([32, 48])
  })

  test.each(['jpeg', 'tiff', 'png', 'webp'] as const)(
    'of %s keeps the orientation of an image that is not turned',
    async (format) => {
      const { file } = await harness.transform(
        await describedImage({ format }),
        'orient:false/format:jpeg:metadata=keep',
      )
      const { orientation, width, height } = await read(file)
      expect([orientation, width, height]).toEqual([6, 48, 32])
    },
  )

  test('is removed by default', async () => {
    for (const format of sources) {
      const { file } = await harness.transform(await describedImage({ format }), 'flip/format:png')
      expect((await sharp(file).metadata()).exif).toBeUndefined()
    }
  })
})

test.each(sources)(
  'XMP of %s keeps descriptions, without embedded images and references to them',
  async (format) => {
    const bytes = await describedImage({ format, xmp: xmpWithEmbeddedImages })
    expect((await read(bytes)).xmp).toContain('hdrgm:Version')
    for (const target of writableFormatIds) {
      const { file } = await harness.transform(bytes, `resize:20/format:${target}:metadata=keep`)
      const { xmp } = await read(file)
      expect(xmp).toMatch(/Ada &(amp|#38); Example/)
      expect(xmp).not.toMatch(
        /hdrgm|hdr-gain-map|GainMap|Container|GCamera|GImage|Thumbnails|\/9j\/|Orientation/,
      )
    }
  },
)

describe('a broken colour profile', async () => {
  const whole = (await sharp(
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .withIccProfile('p3')
      .png()
      .toBuffer(),
  ).metadata()) as { icc: Buffer }
  const profile = whole.icc
  const broken: Record<string, Buffer> = {
    ...Object.fromEntries(
      [10, 128, 200, 300, 479].map((length) => [`cut at ${length}`, profile.subarray(0, length)]),
    ),
    ...Object.fromEntries(
      [16, 20, 36, 128, 131, 140, 200].map((at) => [
        `damaged at ${at}`,
        profile.map((v, i) => (i === at ? v ^ 0x55 : v)) as Buffer,
      ]),
    ),
    empty: Buffer.alloc(500),
  }

  test.each(sources)('in %s does not damage the image', async (format) => {
    for (const [how, bytes] of Object.entries(broken)) {
      const source = await imageWithProfile(format, bytes)
      for (const recipe of [
        'format:png',
        'format:png:colorspace=keep',
        'flip/blur/flip/format:webp:lossless:colorspace=keep',
      ]) {
        for (const inStages of [true, false]) {
          const { file, metadata } = await harness.transform(source, recipe, { inStages })
          expect({ how, recipe, icc: metadata.icc }).toEqual({ how, recipe, icc: undefined })
          const [red = 0, green = 0, blue = 0] = await sharp(file).raw().toBuffer()
          // JPEG colours are approximate; a profile with most of its data may still be used.
          const isNear = Math.abs(red - 200) + Math.abs(green - 100) + Math.abs(blue - 50) < 60
          expect({ how, recipe, isNear }).toEqual({ how, recipe, isNear: true })
        }
      }
    }
  })

  test('is distinguished from a complete one, which is kept', async () => {
    for (const format of sources) {
      const { metadata } = await harness.transform(
        await imageWithProfile(format, profile),
        'format:png:colorspace=keep',
      )
      expect(metadata.icc?.length).toBe(profile.length)
    }
  })
})

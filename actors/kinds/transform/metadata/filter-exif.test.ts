import { expect, test } from 'bun:test'
import {
  describedImage,
  thumbnail,
  describedTexts,
  xmpWithEmbeddedImages,
} from '@pixelflow/testkit/described-image'
import * as fc from 'fast-check'
import { filterExif } from './filter-exif.ts'
import { filterXmp } from './filter-xmp.ts'

const files = await Promise.all([
  describedImage({ format: 'tiff' }),
  describedImage({ format: 'tiff', bigTiff: true, bigEndian: true }),
])
const reading = (bytes: Uint8Array) => (offset: number, length: number) =>
  offset + length <= bytes.length ? Buffer.from(bytes.subarray(offset, offset + length)) : undefined

const damage = fc.array(
  fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 })),
  {
    maxLength: 30,
  },
)

test('a filtered block is short and contains nothing of the image, whatever the input', () => {
  fc.assert(
    fc.property(fc.constantFrom(...files), damage, fc.boolean(), (file, flips, inHead) => {
      const damaged = Uint8Array.from(file)
      // The directories are before and after the pixels.
      for (const [where, value] of flips) damaged[Math.floor(where * (inHead ? 1200 : file.length))] = value
      const made = filterExif(reading(damaged), 1)
      expect(made === undefined || made.length < 65_000).toBe(true)
      expect(made?.includes(Buffer.from(thumbnail.subarray(-200))) ?? false).toBe(false)
    }),
    { numRuns: 2000, seed: 20_261_129 },
  )
})

test('a filtered block keeps the descriptive tags, and filtering it again changes nothing', () => {
  const filtered = filterExif(reading(files[0]), 3) as Buffer
  expect(describedTexts.filter((text) => filtered.includes(text))).toEqual([...describedTexts])
  expect(filterExif(reading(filtered), 3)).toEqual(filtered)
  expect(filterExif(() => undefined, 1)).toBeUndefined()
})

test('XMP that is not well-formed is dropped', () => {
  expect(filterXmp(xmpWithEmbeddedImages)).toContain('Example')
  const cut = xmpWithEmbeddedImages.slice(0, 900)
  const entities = `<!DOCTYPE a [<!ENTITY b "c">]>${xmpWithEmbeddedImages}`
  const deep = '<a>'.repeat(200) + '</a>'.repeat(200)
  for (const text of ['', 'words', cut, entities, deep, ' '.repeat(2_000_000)]) {
    expect(filterXmp(text)).toBeUndefined()
  }
})

import { describe, expect, test } from 'bun:test'
import { encodedTiff, type Encoding } from '@pixelflow/testkit/hostile/tiff-encodings'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

/** The first, the middle and the last pixel of a row, decoded with stages and without. */
async function rowsOf(encoding: Encoding) {
  const rows = []
  for (const inStages of [true, false]) {
    const { file } = await harness.transform(encodedTiff(encoding), 'format:png', { inStages })
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
    const pixel = (x: number) => [...data.subarray(x * info.channels, (x + 1) * info.channels)]
    rows.push([pixel(0), pixel(16), pixel(31)])
  }
  return rows
}

const rgb = { samples: 3, photometric: 2 }
const gray = [
  [0, 0, 0],
  [132, 132, 132],
  [255, 255, 255],
]
const colours = [
  [0, 128, 255],
  [132, 128, 123],
  [255, 128, 0],
]
const half = (x: number, channel: number) => (channel === 3 ? 0.5 : x)
const lab = (x: number, channel: number) => (channel === 0 ? x : 0)

describe('a TIFF is decoded to the colours that it states', () => {
  const cases: Readonly<Record<string, readonly [Encoding, readonly (readonly number[])[]]>> = {
    'gray of 32 bits': [{ bits: 32 }, gray],
    'gray of 32 bits, in tiles': [{ bits: 32, tile: 16 }, gray],
    'gray of 32 bits, white is zero': [
      { bits: 32, photometric: 0 },
      gray.map((one) => one.map((v) => 255 - v)),
    ],
    'RGB of 32 bits': [{ ...rgb, bits: 32 }, colours],
    'RGB of 32 bits, one plane per channel': [{ ...rgb, bits: 32, isPlanar: true }, colours],
    'RGB of 8 bits': [rgb, colours],
    'RGB of 16 bits, deflated, in tiles': [{ ...rgb, bits: 16, compression: 8, tile: 16 }, colours],
    'RGB in floating point, which is linear': [
      { ...rgb, bits: 32, numbers: 3 },
      [
        [0, 188, 255],
        [191, 188, 185],
        [255, 188, 0],
      ],
    ],
    'RGB with two more channels': [
      {
        samples: 5,
        photometric: 2,
        tags: { 338: [2, 0] },
        value: (x, channel) => half(x, Math.min(3, channel)),
      },
      gray.map((one) => [...one, 128]),
    ],
    'gray with two more channels': [
      { samples: 3, tags: { 338: [2, 0] }, value: (x, channel) => (channel > 0 ? 0.5 : x) },
      gray.map((one) => [...one, 128]),
    ],
    'Lab of 16 bits': [
      { samples: 3, photometric: 8, bits: 16, value: lab },
      [
        [0, 0, 0],
        [123, 123, 123],
        [255, 255, 255],
      ],
    ],
  }

  test.each(Object.keys(cases))('%s', async (name) => {
    const [encoding = {}, expected = []] = cases[name] ?? []
    for (const row of await rowsOf(encoding)) {
      const off = row.map((pixel, i) => pixel.map((value, k) => Math.abs(value - (expected[i]?.[k] ?? -99))))
      expect([row, Math.max(...off.flat()) <= 1]).toEqual([row, true])
    }
  })
})

describe('an unsupported TIFF encoding is rejected with the reason', () => {
  const inTiles = { ...rgb, tile: 16 }
  const cases: readonly (readonly [string, Encoding])[] = [
    ['old-style JPEG compression', { ...rgb, compression: 6 }],
    ['old-style JPEG compression', { ...inTiles, compression: 6 }],
    ['ZSTD compression', { ...rgb, compression: 50_000 }],
    // Without the check these tiled files become black images.
    ['ZSTD compression', { ...inTiles, compression: 50_000 }],
    ['LZMA compression', { ...inTiles, compression: 34_925 }],
    ['LERC compression', { ...inTiles, compression: 34_887 }],
    ['JBIG compression', { bits: 1, compression: 34_661 }],
    ['JPEG 2000 compression', { ...rgb, compression: 33_005 }],
    ['JPEG XL compression', { ...rgb, compression: 50_002 }],
    ['compression scheme 65000', { ...rgb, compression: 65_000 }],
    ['tiles that hold one channel each', { ...inTiles, isPlanar: true }],
    ['1 channel of 12 bits', { bits: 12 }],
    ['3 channels of 12 bits', { ...rgb, bits: 12 }],
    ['3 channels of 4 bits', { ...rgb, bits: 4 }],
    ['1 channel of 24 bits', { bits: 24 }],
    ['1 channel of 64 bits', { bits: 64 }],
    ['4 channels of 32 bits', { ...rgb, samples: 4, bits: 32 }],
    ['channels of different depths (5, 6, 5 bits)', { ...rgb, statedBits: [5, 6, 5] }],
    ['signed integers', { bits: 8, numbers: 2 }],
    ['signed integers', { ...rgb, bits: 16, numbers: 2 }],
    ['complex numbers', { bits: 64, numbers: 6 }],
    ['complex numbers', { bits: 32, numbers: 5 }],
    ['floating point gray values', { bits: 32, numbers: 3 }],
    ['floating point gray values', { bits: 16, numbers: 3 }],
    ['3 channels of 64 bits in floating point', { ...rgb, bits: 64, numbers: 3 }],
    ['Lab colours of 8 bits', { samples: 3, photometric: 8, value: lab }],
    ['Lab colours in other than three interleaved channels', { samples: 4, photometric: 8, bits: 16 }],
    ['ICC Lab colours', { samples: 3, photometric: 9 }],
    ['raw sensor data', { photometric: 32_803 }],
    ['a transparency mask', { photometric: 4, bits: 1 }],
    ['inks other than CMYK', { samples: 4, photometric: 5, tags: { 332: [2] } }],
    ['4 channels of 32 bits', { samples: 4, photometric: 5, bits: 32 }],
    ['YCbCr colours without subsampling', { samples: 3, photometric: 6, tags: { 530: [1, 1] } }],
    ['6 channels (at most 5 are read)', { samples: 6, photometric: 2 }],
  ]

  test.each(cases)('%s', async (reason, encoding) => {
    for (const inStages of [true, false]) {
      const fault = await harness.faultOf(encodedTiff(encoding), 'resize:20/format:png', { inStages })
      expect(fault.report()).toMatchObject({
        code: 'unsupported_format',
        detail: `TIFF with ${reason} is not supported.`,
        remedy: expect.any(String),
      })
    }
  })
})

test('a tile that cannot be decompressed is damage, with stages and without', async () => {
  const damage: Encoding['damage'] = (chunks) =>
    chunks.map((chunk, i) => (i === 3 ? Buffer.alloc(chunk.length, 0x55) : chunk))
  const file = encodedTiff({ ...rgb, tile: 16, compression: 8, damage })
  for (const inStages of [true, false])
    expect((await harness.faultOf(file, 'format:png', { inStages })).code).toBe('corrupt_image')
  // A tag that libtiff warns about is not damage.
  const unknownTag = encodedTiff({ ...rgb, tile: 16, compression: 8, tags: { 65_123: [1] } })
  expect((await harness.transform(unknownTag, 'format:png')).metadata).toMatchObject({
    width: 32,
    height: 32,
  })
})

test('a file that ends within its directory is damaged, not unsupported', async () => {
  const file = encodedTiff({ ...rgb, bits: 16, compression: 8 })
  const directory = Buffer.from(file).readUInt32LE(4)
  for (let end = directory; end < file.length; end += 1) {
    const fault = await harness.faultOf(file.subarray(0, end), 'format:png', {
      format: 'tiff',
      inStages: end % 2 === 0,
    })
    expect([end, fault.report()]).toMatchObject([end, { code: 'corrupt_image', remedy: expect.any(String) }])
  }
})

test('a file too large for memory is checked as well', async () => {
  const fault = await harness.faultOf(encodedTiff({ side: 900, bits: 12 }), 'flip')
  expect(fault.message).toContain('12 bits')
})

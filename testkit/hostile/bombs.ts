import type { FormatId } from '@pixelflow/core/format'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { sampleImage } from '../images.ts'
import * as avif from './avif.ts'
import * as gif from './gif.ts'
import { hugeHeaders } from './headers.ts'
import * as jpeg from './jpeg.ts'
import * as png from './png.ts'
import * as tiff from './tiff.ts'
import * as webp from './webp.ts'

/** Small files of every format that would use many resources. */
export interface Bomb {
  readonly name: string
  readonly format: FormatId
  make(): Promise<Uint8Array> | Uint8Array
  /** How its processing ends: with an image, because the harmful part is skipped, or with one of these faults. */
  readonly ends: 'image' | readonly string[]
}

const side = 9000
const corrupt = ['corrupt_image'] as const
/** Valid files in an unsupported encoding. */
const unsupported = ['unsupported_format'] as const
const tooMany = ['too_many_pixels'] as const
/** The time limit or the memory limit, whichever is reached first. */
const bounded = ['deadline_exceeded', 'resource_limit_exceeded'] as const

const small = () => sampleImage({ width: 48, height: 32 })
const largeTransparent = () => {
  const create = { width: side, height: side, channels: 4, background: '#33669980' } as const
  return sharp({ create }).png({ compressionLevel: 1 }).toBuffer()
}
const insertSegments = async (segments: readonly Uint8Array[]) => jpeg.insertSegments(await small(), segments)
const pngWith = (extra: Uint8Array) => png.png(48, 32, undefined, extra)
const grayTiff = (more: readonly tiff.Entry[]) => tiff.grayTiff(8, 8, Buffer.alloc(64), 1, more)

/** Files that take less than a second of CPU time. See also `slowBombs`. */
export const bombs: readonly Bomb[] = [
  ...Object.entries(hugeHeaders).map(([format, bytes]) => ({
    name: 'a header of 65,000 × 65,000',
    format: format as FormatId,
    make: () => bytes,
    // A header without data may also be rejected as corrupt.
    ends: ['too_many_pixels', 'corrupt_image'],
  })),

  { name: '5,000 scans, small', format: 'jpeg', make: () => jpeg.manyScans(64, 64, 5000), ends: 'image' },
  { name: '90 scans, large', format: 'jpeg', make: () => jpeg.manyScans(side, side, 90), ends: 'image' },
  {
    name: 'a profile of 16 MB',
    format: 'jpeg',
    make: () => insertSegments(jpeg.longProfile()),
    ends: 'image',
  },
  { name: '13 MB of XMP', format: 'jpeg', make: () => insertSegments(jpeg.manyXmp(200)), ends: 'image' },
  {
    name: '500,000 comments',
    format: 'jpeg',
    make: () => insertSegments(jpeg.emptyComments(500_000)),
    ends: 'image',
  },
  {
    name: 'circular EXIF',
    format: 'jpeg',
    make: () => insertSegments(jpeg.exif(tiff.circularExif())),
    ends: 'image',
  },
  {
    name: 'crowded EXIF',
    format: 'jpeg',
    make: () => insertSegments(jpeg.exif(tiff.crowdedExif())),
    ends: 'image',
  },

  {
    name: 'more rows than stated',
    format: 'png',
    make: () => png.png(20_000, 20_000, { width: 100, height: 100 }),
    ends: 'image',
  },
  {
    name: 'fewer rows than stated',
    format: 'png',
    make: () => png.png(100, 100, { width: side, height: side }),
    ends: corrupt,
  },
  { name: 'as large as is allowed', format: 'png', make: () => png.png(10_000, 10_000), ends: 'image' },
  { name: 'large and transparent', format: 'png', make: () => largeTransparent(), ends: 'image' },
  {
    name: 'a packed profile',
    format: 'png',
    make: () => pngWith(png.packedChunk('iCCP', 100e6)),
    ends: 'image',
  },
  {
    name: 'a packed text',
    format: 'png',
    make: () => pngWith(png.packedChunk('zTXt', 100e6)),
    ends: 'image',
  },
  {
    name: 'a packed international text',
    format: 'png',
    make: () => pngWith(png.packedInternational(100e6)),
    ends: 'image',
  },
  { name: '500,000 texts', format: 'png', make: () => pngWith(png.manyTexts(500_000)), ends: 'image' },
  {
    name: 'circular EXIF',
    format: 'png',
    make: () => pngWith(png.exif(tiff.circularExif())),
    ends: 'image',
  },
  { name: '20,000 frames', format: 'png', make: () => png.animated(48, 32, 20_000), ends: 'image' },
  {
    name: 'not interlaced as stated',
    format: 'png',
    make: () => png.interlaced(png.png(side, side)),
    ends: corrupt,
  },

  { name: '100,000 frames', format: 'gif', make: () => gif.frames(1, 1, 100_000), ends: tooMany },
  { name: '1,000 large frames', format: 'gif', make: () => gif.frames(side, side, 1000), ends: tooMany },
  { name: 'a large canvas', format: 'gif', make: () => gif.frames(side, side, 2), ends: 'image' },
  { name: '2 MB of codes', format: 'gif', make: () => gif.codes(side, side, 2_000_000), ends: corrupt },
  { name: 'a million comments', format: 'gif', make: () => gif.comments(1_000_000), ends: 'image' },

  { name: 'one colour, large', format: 'webp', make: () => webp.solidColor(side, side), ends: 'image' },
  { name: '6,000 frames', format: 'webp', make: () => webp.frames(16, 16, 6000), ends: tooMany },
  { name: '20 large frames', format: 'webp', make: () => webp.frames(side, side, 20), ends: tooMany },
  { name: '24 MB of metadata', format: 'webp', make: () => webp.withLargeMetadata(8e6), ends: 'image' },

  {
    name: '22,500 tiles',
    format: 'avif',
    make: () => avif.grid(150, 150),
    ends: ['resource_limit_exceeded'],
  },
  { name: '256 tiles', format: 'avif', make: () => avif.grid(16, 16), ends: 'image' },
  { name: 'a grid of itself', format: 'avif', make: () => avif.gridOfItself(), ends: corrupt },
  { name: 'tiles of tiles, 12 deep', format: 'avif', make: () => avif.nested(12), ends: 'image' },
  { name: 'copies in a circle', format: 'avif', make: () => avif.circle(3), ends: corrupt },
  { name: 'a sequence of 1,000', format: 'avif', make: () => avif.sequence(1000, true), ends: 'image' },
  {
    name: 'a sequence of 10^9',
    format: 'avif',
    make: () => avif.sequence(1e9, true),
    ends: ['resource_limit_exceeded'],
  },
  {
    name: 'a sequence without a still image',
    format: 'avif',
    make: () => avif.sequence(10, false),
    ends: unsupported,
  },

  { name: '5,001 directories', format: 'tiff', make: () => tiff.chained(5001), ends: tooMany },
  { name: 'directories in a circle', format: 'tiff', make: () => tiff.chained(3, 0), ends: 'image' },
  { name: 'a directory after itself', format: 'tiff', make: () => tiff.chained(1, 0), ends: 'image' },
  {
    name: '98 MP in 95 kB',
    format: 'tiff',
    make: () => tiff.grayTiff(9900, 9900, deflateSync(Buffer.alloc(9900 * 9900), { level: 9 }), 8),
    ends: 'image',
  },
  {
    name: 'runs of a byte',
    format: 'tiff',
    make: () => tiff.grayTiff(9900, 9900, Buffer.alloc(1_600_000, Buffer.from([0x81, 0])), 32_773),
    ends: 'image',
  },
  {
    name: 'a profile of 2 GB',
    format: 'tiff',
    make: () => grayTiff([[0x8773, 7, 0x7fff_ffff, 8]]),
    ends: 'image',
  },
  {
    name: '65,535 channels',
    format: 'tiff',
    make: () => grayTiff([[0x0115, 3, 1, 65_535]]),
    ends: unsupported,
  },
  {
    name: 'tiles of 4 gigapixels',
    format: 'tiff',
    make: () =>
      grayTiff([
        [0x0142, 4, 1, 65_504],
        [0x0143, 4, 1, 65_504],
        [0x0144, 4, 1, 8],
        [0x0145, 4, 1, 64],
      ]),
    ends: corrupt,
  },
  {
    name: 'a billion strips',
    format: 'tiff',
    make: () =>
      grayTiff([
        [0x0111, 4, 0x3fff_ffff, 8],
        [0x0117, 4, 0x3fff_ffff, 8],
      ]),
    ends: corrupt,
  },
]

/** Files whose processing only the time limit or the memory limit ends. Tests of them need low limits. */
export const slowBombs: readonly Bomb[] = [
  {
    name: '60,000 scans, large',
    format: 'jpeg',
    make: () => jpeg.manyScans(side, side, 60_000),
    ends: bounded,
  },
  {
    name: 'coefficients of 98 MP in three colours',
    format: 'jpeg',
    make: () => jpeg.manyScans(9900, 9900, 30, 3),
    ends: bounded,
  },
  { name: '60,000 frames', format: 'webp', make: () => webp.frames(16, 16, 60_000), ends: bounded },
]

import type { FormatId } from '@pixelflow/core/format'
import sharp, { type Sharp } from 'sharp'
import { sampleImage } from '../images.ts'

/** Small good pictures in every way of writing a format that decoders take apart from others: to be spoiled. */
export interface Sample {
  readonly name: string
  readonly format: FormatId
  readonly bytes: Uint8Array
  /** Of its length, the 16ths from which on all of the first frame or page is there; 16 when that takes the whole file. */
  readonly minParts: number
}

/** Where the first frame or page comes before others or before a profile. */
const earlier: Readonly<Record<string, number>> = {
  'gif moving': 6,
  'tiff LZW, predictor, profile': 15,
  'tiff deflate, tiles, pyramid': 11,
}

export async function samples(width = 48, height = 32): Promise<Sample[]> {
  const plain = await sampleImage({ width, height, format: 'png' })
  const clear = await sampleImage({ width, height, format: 'png', alpha: true })
  const exif = await sampleImage({ width, height, gps: true, orientation: 6 })
  const frames = await Promise.all(
    [1, 2, 3].map((seed) => sampleImage({ width, height, seed, format: 'png' })),
  )
  const moving = () => sharp(frames, { join: { animated: true } })
  const written: readonly (readonly [string, FormatId, Sharp])[] = [
    ['baseline', 'jpeg', sharp(plain).jpeg()],
    [
      'progressive, EXIF and profile',
      'jpeg',
      sharp(exif).keepMetadata().withIccProfile('p3').jpeg({ progressive: true }),
    ],
    ['four inks', 'jpeg', sharp(plain).toColourspace('cmyk').jpeg({ chromaSubsampling: '4:4:4' })],
    ['true colour', 'png', sharp(plain).png()],
    ['palette', 'png', sharp(plain).png({ palette: true, colours: 16 })],
    [
      '16 bit, interlaced, profile',
      'png',
      sharp(clear).toColourspace('rgb16').withIccProfile('p3').png({ progressive: true }),
    ],
    ['lossy, EXIF', 'webp', sharp(exif).keepMetadata().webp()],
    ['lossless, see-through', 'webp', sharp(clear).webp({ lossless: true })],
    ['moving', 'webp', moving().webp()],
    ['8 bit', 'avif', sharp(plain).avif({ effort: 1 })],
    [
      '10 bit, see-through, EXIF',
      'avif',
      sharp(clear)
        .withExif({ IFD0: { Make: 'a' } })
        .avif({ effort: 1, bitdepth: 10 }),
    ],
    ['still', 'gif', sharp(plain).gif()],
    ['moving', 'gif', moving().gif()],
    ['plain', 'tiff', sharp(plain).tiff({ compression: 'none' })],
    [
      'LZW, predictor, profile',
      'tiff',
      sharp(plain).withIccProfile('p3').tiff({ compression: 'lzw', predictor: 'horizontal' }),
    ],
    [
      'deflate, tiles, pyramid',
      'tiff',
      sharp(plain).tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16, pyramid: true }),
    ],
    ['JPEG inside', 'tiff', sharp(plain).tiff({ compression: 'jpeg' })],
    [
      'fax',
      'tiff',
      sharp(plain).threshold().toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }),
    ],
  ]
  const drawing = await sampleImage({ width, height, format: 'svg' })
  const drawn: Sample = { name: 'drawing', format: 'svg', bytes: drawing, minParts: 16 }
  const others = await Promise.all(
    written.map(async ([name, format, image]) => ({
      name,
      format,
      bytes: new Uint8Array(await image.toBuffer()),
      minParts: earlier[`${format} ${name}`] ?? 16,
    })),
  )
  return [...others, drawn]
}

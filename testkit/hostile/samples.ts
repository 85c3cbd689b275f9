import type { FormatId } from '@pixelflow/core/format'
import sharp, { type Sharp } from 'sharp'
import { sampleImage } from '../images.ts'

/** A small valid image, to be damaged. The samples cover the encodings that decoders process differently. */
export interface Sample {
  readonly name: string
  readonly format: FormatId
  readonly bytes: Uint8Array
  /** How many 16ths of the file contain the first frame or page completely; 16 for the whole file. */
  readonly minParts: number
}

/** `minParts` of files in which the first frame or page is followed by others, or by a profile. */
const partsOfFirstFrame: Readonly<Record<string, number>> = {
  'gif animated': 6,
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
  const animated = () => sharp(frames, { join: { animated: true } })
  const written: readonly (readonly [string, FormatId, Sharp])[] = [
    ['baseline', 'jpeg', sharp(plain).jpeg()],
    [
      'progressive, EXIF and profile',
      'jpeg',
      sharp(exif).keepMetadata().withIccProfile('p3').jpeg({ progressive: true }),
    ],
    ['CMYK', 'jpeg', sharp(plain).toColourspace('cmyk').jpeg({ chromaSubsampling: '4:4:4' })],
    ['true colour', 'png', sharp(plain).png()],
    ['palette', 'png', sharp(plain).png({ palette: true, colours: 16 })],
    [
      '16 bit, interlaced, profile',
      'png',
      sharp(clear).toColourspace('rgb16').withIccProfile('p3').png({ progressive: true }),
    ],
    ['lossy, EXIF', 'webp', sharp(exif).keepMetadata().webp()],
    ['lossless, transparent', 'webp', sharp(clear).webp({ lossless: true })],
    ['animated', 'webp', animated().webp()],
    ['8 bit', 'avif', sharp(plain).avif({ effort: 1 })],
    [
      '10 bit, transparent, EXIF',
      'avif',
      sharp(clear)
        .withExif({ IFD0: { Make: 'a' } })
        .avif({ effort: 1, bitdepth: 10 }),
    ],
    ['still', 'gif', sharp(plain).gif()],
    ['animated', 'gif', animated().gif()],
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
    ['JPEG compression', 'tiff', sharp(plain).tiff({ compression: 'jpeg' })],
    [
      'CCITT G4',
      'tiff',
      sharp(plain).threshold().toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }),
    ],
  ]
  const drawing = await sampleImage({ width, height, format: 'svg' })
  const vector: Sample = { name: 'drawing', format: 'svg', bytes: drawing, minParts: 16 }
  const others = await Promise.all(
    written.map(async ([name, format, image]) => ({
      name,
      format,
      bytes: new Uint8Array(await image.toBuffer()),
      minParts: partsOfFirstFrame[`${format} ${name}`] ?? 16,
    })),
  )
  return [...others, vector]
}

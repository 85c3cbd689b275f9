import { readFileSync } from 'node:fs'
import { hasTracksOnly, mainItemOf, type AvifItem } from './avif-items.ts'
import type { FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'
import { unsupportedEncoding } from './unsupported-encoding.ts'

const remedy = 'Save it as an AVIF with a single image and upload it again.'

/**
 * Works around cases that libheif (1.23) and libvips handle differently from the specification: they reject files of
 * the brand `avis`, which may have a still image too, do not expand limited-range gray, and leave premultiplied colours
 * as they are.
 * @throws Fault `unsupported_format` for a sequence without a still image, and for premultiplied colours.
 */
export function prepareAvif(input: string | Buffer, bytes: FileBytes): Preparation {
  const isSequence = bytes.read(8, 4).toString('latin1') === 'avis'
  const item = mainItemOf(bytes)
  if (item?.isPremultiplied === true)
    throw unsupportedEncoding('AVIF with premultiplied transparency is not supported', remedy)
  if (hasTracksOnly(bytes))
    throw unsupportedEncoding('AVIF sequence without a still image is not supported', remedy)
  return {
    ...(isSequence ? { input: rewriteAsStill(input) } : {}),
    // Decoded now, so that an error about its layers is not reported as damage later.
    ...(item !== undefined && isLayered(item) ? { adjust: asDecoded, reason: unsupportedLayers() } : {}),
    ...(item !== undefined && isLimitedGray(item) ? { adjust: expandRange } : {}),
  }
}

/** The same file with the brand of still images, by which libvips detects AVIF. */
function rewriteAsStill(input: string | Buffer): Buffer {
  const still = typeof input === 'string' ? readFileSync(input) : Buffer.from(input)
  still.write('avif', 8, 'latin1')
  return still
}

/** Whether the image has one channel of limited range: black is 16 and white is 235, of 255. */
function isLimitedGray({ properties }: AvifItem): boolean {
  const config = properties.find(({ type }) => type === 'av1C')
  const isGray = ((config?.content[2] ?? 0) & 0x10) !== 0
  const colours = properties.find(
    ({ type, content }) => type === 'colr' && content.toString('latin1', 0, 4) === 'nclx',
  )
  return isGray && colours !== undefined && ((colours.content[10] ?? 0x80) & 0x80) === 0
}

/** Maps 16…235 to 0…255. Deeper images arrive as 16 bits with the range scaled. */
const expandRange: NonNullable<Preparation['adjust']> = (image, { depth }) => {
  const unit = depth === 'ushort' ? 256 : 1
  const white = depth === 'ushort' ? 65_535 : 255
  const scale = white / ((235 - 16) * unit)
  return image.linear(scale, -16 * unit * scale)
}

const asDecoded: NonNullable<Preparation['adjust']> = (image) => image

/** Properties of layered images, each layer finer than the one before (AVIF 1.1, 2.3; HEIF 6.5.11). */
const layering: ReadonlySet<string> = new Set(['a1lx', 'a1op', 'lsel'])

function isLayered({ properties }: AvifItem): boolean {
  return properties.some(({ type }) => layering.has(type))
}

function unsupportedLayers() {
  return unsupportedEncoding('Layered (progressive) AVIF is not supported', remedy)
}

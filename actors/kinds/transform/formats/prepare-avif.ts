import { readFileSync } from 'node:fs'
import { hasTracksOnly, mainItemOf, type AvifItem } from './avif-items.ts'
import type { FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'
import { unsupportedEncoding } from './unsupported-encoding.ts'

const remedy = 'Save it as a plain AVIF of one picture and upload it again.'

/**
 * Looks at the boxes of an AVIF for what libheif (1.23) and libvips do otherwise than the file means: they refuse files of
 * the brand `avis`, which may have a still picture too, do not expand gray values of limited range, and leave colours
 * multiplied by transparency as they are.
 * @throws Fault `unsupported_format` for a sequence without a still picture, and for multiplied colours.
 */
export function prepareAvif(input: string | Buffer, bytes: FileBytes): Preparation {
  const isSequence = bytes.read(8, 4).toString('latin1') === 'avis'
  const item = mainItemOf(bytes)
  if (item?.isPremultiplied === true)
    throw unsupportedEncoding('AVIF with premultiplied transparency is not supported', remedy)
  if (hasTracksOnly(bytes))
    throw unsupportedEncoding('AVIF sequence without a still picture is not supported', remedy)
  return {
    ...(isSequence ? { input: asStill(input) } : {}),
    // Decoded at once, so that what its decoder says of the layers is not taken for damage later.
    ...(item !== undefined && isLayered(item) ? { adjust: asDecoded, reason: layered() } : {}),
    ...(item !== undefined && isLimitedGray(item) ? { adjust: expandRange } : {}),
  }
}

/** The same file under the brand of still pictures, by which libvips knows AVIF. */
function asStill(input: string | Buffer): Buffer {
  const still = typeof input === 'string' ? readFileSync(input) : Buffer.from(input)
  still.write('avif', 8, 'latin1')
  return still
}

/** Whether the picture is of one cancellations whose black is 16 and whose white is 235, of 255. */
function isLimitedGray({ properties }: AvifItem): boolean {
  const config = properties.find(({ type }) => type === 'av1C')
  const isGray = ((config?.content[2] ?? 0) & 0x10) !== 0
  const colours = properties.find(
    ({ type, content }) => type === 'colr' && content.toString('latin1', 0, 4) === 'nclx',
  )
  return isGray && colours !== undefined && ((colours.content[10] ?? 0x80) & 0x80) === 0
}

/** 16 to 235 become 0 to 255; deeper pictures come as 16 bits, with the same part of the range left free. */
const expandRange: NonNullable<Preparation['adjust']> = (image, { depth }) => {
  const unit = depth === 'ushort' ? 256 : 1
  const white = depth === 'ushort' ? 65_535 : 255
  const scale = white / ((235 - 16) * unit)
  return image.linear(scale, -16 * unit * scale)
}

const asDecoded: NonNullable<Preparation['adjust']> = (image) => image

/** Properties of pictures that come in layers, each finer than the one before (AVIF 1.1, 2.3; HEIF 6.5.11). */
const layering: ReadonlySet<string> = new Set(['a1lx', 'a1op', 'lsel'])

function isLayered({ properties }: AvifItem): boolean {
  return properties.some(({ type }) => layering.has(type))
}

function layered() {
  return unsupportedEncoding('Layered (progressive) AVIF is not supported', remedy)
}

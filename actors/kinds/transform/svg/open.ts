import { sniff, type FormatId } from '@pixelflow/core/format'
import { maxSvgBytes, type SvgSize } from '@pixelflow/core/svg'
import { Fault } from '@pixelflow/core/fault'
import sharp from 'sharp'
import { allowDecoders } from '../decoders.ts'
import { decodeXml } from './decode.ts'
import { limits, tooLong, tooMuch } from './limits.ts'
import { sanitise } from './sanitise.ts'
import type { Embedded } from './values.ts'

/** A drawing as it may be given to the renderer. */
export interface SvgSource {
  readonly file: Buffer
  readonly size: SvgSize
  readonly layers: number
}

/** Formats that pictures in an SVG may have: those that browsers show there. */
const embeddable: readonly FormatId[] = ['jpeg', 'png', 'webp', 'gif']

/** As many pixels a side as the renderer draws. */
const longestSide = 32_767

/**
 * Makes an SVG safe to draw.
 * @throws Fault `corrupt_image`, `unsupported_format`, `out_of_bounds`, `image_too_large`, or `too_many_pixels` when it says to be larger,
 * or pictures in it are.
 */
export async function openSvg(bytes: Uint8Array, maxPixels: number): Promise<SvgSource> {
  if (bytes.length > maxSvgBytes) throw tooLong()
  const clean = sanitise(decodeXml(bytes))
  const { size, layers } = clean
  demandDrawable(size, layers, maxPixels)
  const addresses = await addressesOf(clean.embedded, Math.min(maxPixels, limits.picturePixels))
  return { file: Buffer.from(clean.text(addresses)), size, layers }
}

/**
 * @throws Fault `too_many_pixels` when a drawing is larger than may be, `out_of_bounds` when filters would have to go over
 * more pixels than may be.
 */
export function demandDrawable({ width, height }: SvgSize, layers: number, maxPixels: number): void {
  if (width * height > maxPixels || width > longestSide || height > longestSide) {
    throw new Fault(
      'too_many_pixels',
      `The SVG would be drawn at ${width} × ${height} pixels; ${maxPixels} in all, and ${longestSide} a side, are allowed.`,
      { remedy: 'Choose a smaller size.' },
    )
  }
  // The renderer goes over the whole picture for each of the tiles it draws.
  const tiles = Math.ceil(width / 2000) * Math.ceil(height / 2000)
  if (layers * width * height * tiles > limits.layerPixels)
    throw tooMuch(`has more filters and layers than are drawn at ${width} × ${height} pixels`)
}

/** Addresses of those pictures that are what they may be; where there is none, nothing is shown. */
async function addressesOf(
  pictures: readonly Embedded[],
  maxPixels: number,
): Promise<readonly (string | undefined)[]> {
  const addresses: (string | undefined)[] = []
  let pixels = 0
  for (const { bytes } of pictures) {
    const format = sniff(bytes)
    if (format === undefined || !embeddable.includes(format)) {
      addresses.push(undefined)
      continue
    }
    allowDecoders([format])
    const { width, height } = await sizeOf(bytes)
    pixels += width * height
    if (pixels > maxPixels) {
      throw new Fault('too_many_pixels', `The pictures in the SVG have more than ${maxPixels} pixels.`, {
        remedy: 'Make them smaller before putting them in.',
      })
    }
    addresses.push(
      width * height === 0 ? undefined : `data:image/${format};base64,${bytes.toString('base64')}`,
    )
  }
  return addresses
}

/** Nothing of one that cannot be read. */
async function sizeOf(picture: Buffer): Promise<SvgSize> {
  try {
    return await sharp(picture, { limitInputPixels: false }).metadata()
  } catch {
    return { width: 0, height: 0 }
  }
}

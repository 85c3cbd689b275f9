import { sniffFormat, type FormatId } from '@pixelflow/core/format'
import { maxSvgBytes, type SvgSize } from '@pixelflow/core/svg'
import { Fault } from '@pixelflow/core/fault'
import sharp from 'sharp'
import { allowDecoders } from '../allow-decoders.ts'
import { decodeXml } from './decode-xml.ts'
import { requireDrawingSize, type DrawingCost } from './drawing-cost.ts'
import { svgLimits, svgTooLarge, svgLimitExceeded } from './svg-limits.ts'
import { sanitise } from './sanitise.ts'
import type { Embedded } from './sanitise-value.ts'

/** A sanitised SVG for the renderer. */
export interface SvgSource {
  readonly file: Buffer
  readonly size: SvgSize
  readonly cost: DrawingCost
}

/** Formats of embedded images, the same as in browsers. */
const embeddable: readonly FormatId[] = ['jpeg', 'png', 'webp', 'gif']

/**
 * Sanitises an SVG and checks its size.
 * @throws Fault `corrupt_image`, `unsupported_format`, `resource_limit_exceeded`, `image_too_large`, or
 * `too_many_pixels` when its size or its embedded images exceed the limits.
 */
export async function openSvg(bytes: Uint8Array, maxPixels: number): Promise<SvgSource> {
  if (bytes.length > maxSvgBytes) throw svgTooLarge()
  const clean = sanitise(decodeXml(bytes))
  const { size, cost } = clean
  requireDrawingSize(size, maxPixels)
  // The cost that depends on the size is checked later, for the size that the recipe needs.
  if (cost.fixed > svgLimits.lineSteps) throw svgLimitExceeded('has too many line segments or dashes')
  const urls = await dataUrlsOf(clean.embedded, Math.min(maxPixels, svgLimits.imagePixels))
  return { file: Buffer.from(clean.text(urls)), size, cost }
}

/** Data URLs of the embedded images; undefined for an image of another format, which is then not shown. */
async function dataUrlsOf(
  images: readonly Embedded[],
  maxPixels: number,
): Promise<readonly (string | undefined)[]> {
  const urls: (string | undefined)[] = []
  let pixels = 0
  for (const { bytes } of images) {
    const format = sniffFormat(bytes)
    if (format === undefined || !embeddable.includes(format)) {
      urls.push(undefined)
      continue
    }
    allowDecoders([format])
    const { width, height } = await sizeOf(bytes)
    pixels += width * height
    if (pixels > maxPixels) {
      throw new Fault(
        'too_many_pixels',
        `The images embedded in the SVG have more than ${maxPixels} pixels together.`,
        {
          remedy: 'Make the embedded images smaller.',
        },
      )
    }
    urls.push(width * height === 0 ? undefined : `data:image/${format};base64,${bytes.toString('base64')}`)
  }
  return urls
}

/** An unreadable image has the size 0. */
async function sizeOf(image: Buffer): Promise<SvgSize> {
  try {
    return await sharp(image, { limitInputPixels: false }).metadata()
  } catch {
    return { width: 0, height: 0 }
  }
}

import type { WritableFormatId } from '@pixelflow/core/format'
import type { FormatParams } from '@pixelflow/core/operations/format'
import type { Picture } from '@pixelflow/core/recipe/operation'

/** Milliseconds per megapixel of a photograph at default quality, on one core. */
const msPerMegapixel: Readonly<Record<WritableFormatId, number>> = { jpeg: 20, png: 70, webp: 130, avif: 500 }
/** From this effort, JPEG is encoded several times to find the smallest file. */
const slowJpegEffort = 7
const slowJpegMsPerMegapixel = 75

/** How long the encoding of a picture may take, in milliseconds; a rough estimate. */
export function estimateEncodingMs(
  { width, height }: Picture,
  target: WritableFormatId,
  { effort = 0 }: Pick<FormatParams, 'effort'>,
): number {
  const isSlowJpeg = target === 'jpeg' && effort >= slowJpegEffort
  return ((width * height) / 1e6) * (isSlowJpeg ? slowJpegMsPerMegapixel : msPerMegapixel[target])
}

import type { Sharp } from 'sharp'
import { z } from 'zod'
import { Fault } from '../fault.ts'
import { formatOf, writableFormatIds, type WritableFormatId } from '../format.ts'
import type { Picture, WriteOperation } from '../recipe/operation.ts'
import { colorParameter } from './parameters/color-parameter.ts'
import { maxSide } from './parameters/max-side.ts'

const schema = z
  .strictObject({
    op: z.literal('format'),
    type: z.enum(writableFormatIds).optional().meta({
      title: 'Type',
      description:
        'File format of the result. Default: the format of the source, or PNG if it cannot be written.',
    }),
    quality: z.int().min(1).max(100).optional().meta({
      title: 'Quality',
      description:
        'For JPEG, WebP and AVIF; no effect on PNG or with lossless. Default JPEG 80, WebP 80, AVIF 50.',
    }),
    effort: z
      .int()
      .min(0)
      .max(9)
      .optional()
      .meta({
        title: 'Effort',
        description:
          'How long the encoder searches for a smaller file, 0 (fastest) to 9 (smallest). ' +
          'Default JPEG 4, PNG 6, WebP 6, AVIF 3; JPEG has two levels and uses the slow one from 7.',
      }),
    lossless: z.boolean().default(false).meta({
      title: 'Lossless',
      description: 'Keep every pixel exact. For WebP and AVIF; PNG is always lossless, JPEG never.',
    }),
    progressive: z.boolean().default(false).meta({
      title: 'Progressive',
      description: 'JPEG and PNG that are displayed coarse first and refined while they load.',
    }),
    subsampling: z.enum(['420', '444']).optional().meta({
      title: 'Chroma subsampling',
      description:
        'Colour resolution: 420 = half, smaller; 444 = full, for red text and graphics. Default 420.',
    }),
    metadata: z.enum(['strip', 'keep']).default('strip').meta({
      title: 'Metadata',
      description: 'Metadata of the file (EXIF and XMP: camera, date, location): strip or keep.',
    }),
    colorspace: z.enum(['srgb', 'keep']).default('srgb').meta({
      title: 'Colour space',
      description: "Convert colours to sRGB, or keep them with the source's own profile.",
    }),
    background: colorParameter(
      '#ffffff',
      'Background',
      'What shows behind transparent pixels where the format has no transparency (JPEG).',
    ),
  })
  .refine((step) => !(step.lossless && step.type === 'jpeg'), {
    path: ['lossless'],
    error: 'lossless is not supported for JPEG',
    params: { remedy: 'Set type to png, webp or avif, or remove lossless.' },
  })

/** How a result is encoded, with all defaults. */
export type FormatParams = Omit<z.output<typeof schema>, 'op'>

const { op: _, ...defaults } = schema.parse({ op: 'format' })
/** The parameters for a recipe without a `format` step. */
export const defaultFormat: FormatParams = defaults

/** Selects the file format, the quality, and the metadata and colour space that are kept. */
export const format: WriteOperation<typeof schema> = {
  schema,
  place: 'last',
  title: 'Format',
  summary: 'Sets the file format, quality, metadata and colour space of the result.',
  positional: ['type', 'quality'],
  examples: ['resize:800/format:webp', 'resize:1600/format:avif:60', 'format:metadata=keep:colorspace=keep'],
  notes:
    'Without this step the result has the format of the source, no metadata and sRGB colours. Transparent pixels are ' +
    'flattened onto the background only if the format has no transparency. PNG, WebP and AVIF keep the transparency of ' +
    'the source.\n\n' +
    '`metadata=keep` keeps the EXIF and XMP of every source that has them, without data that shows the original image or ' +
    'that the result does not contain: no thumbnails or previews, no maker notes, no references to gain maps or motion. ' +
    'The orientation is that of the result. `colorspace=keep` keeps valid profiles; with an invalid one the result is ' +
    'sRGB.',
  apply: (pipeline, params, picture, target) => {
    checkWritable(params, picture, target)
    const { background } = params
    return encoders[target](flattens(picture, target) ? pipeline.flatten({ background }) : pipeline, params)
  },
}

/** Whether the picture must be flattened because it has alpha and the format has none. */
export function flattens(picture: Picture, target: WritableFormatId): boolean {
  return picture.alpha && !formatOf(target).hasAlpha
}

/** Longest side that each format supports, in pixels. */
const longestSide: Readonly<Record<WritableFormatId, number>> = {
  jpeg: maxSide,
  png: maxSide,
  webp: 16_383,
  avif: 16_384,
}

/** @throws Fault `processing_failed` when the format does not support the size of the picture or a parameter. */
export function checkWritable(
  params: FormatParams,
  { width, height }: Picture,
  target: WritableFormatId,
): void {
  if (params.lossless && target === 'jpeg') {
    throw new Fault(
      'processing_failed',
      'The result has the format of the source, JPEG, which does not support lossless.',
      {
        field: 'lossless',
        remedy: 'Set type to png, webp or avif, or remove lossless.',
      },
    )
  }
  const limit = longestSide[target]
  if (width <= limit && height <= limit) return
  throw new Fault(
    'processing_failed',
    `The result has ${width}×${height} pixels, but ${target} files have at most ${limit} pixels per side.`,
    { field: 'type', remedy: `Resize to at most ${limit} pixels per side, or choose another type.` },
  )
}

type Encoder = (pipeline: Sharp, params: FormatParams) => Sharp

const encoders: Readonly<Record<WritableFormatId, Encoder>> = {
  jpeg: (pipeline, { quality = 80, effort = 4, progressive, subsampling }) =>
    pipeline.jpeg({ quality, progressive, mozjpeg: effort >= 7, chromaSubsampling: chroma(subsampling) }),
  png: (pipeline, { effort = 6, progressive }) => pipeline.png({ compressionLevel: effort, progressive }),
  webp: (pipeline, { quality = 80, effort = 6, lossless, subsampling }) =>
    // Lossy WebP is always 4:2:0; smart subsampling, which keeps colour edges sharper, is the nearest to 4:4:4.
    pipeline.webp({
      quality,
      effort: Math.round((effort * 6) / 9),
      lossless,
      smartSubsample: subsampling === '444',
    }),
  // The default effort, 4, takes four times as long as 3 (2 s instead of 0.5 s per megapixel) for 1% fewer bytes.
  avif: (pipeline, { quality = 50, effort = 3, lossless, subsampling }) =>
    pipeline.avif({ quality, effort, lossless, chromaSubsampling: lossless ? '4:4:4' : chroma(subsampling) }),
}

function chroma(subsampling: FormatParams['subsampling']): '4:2:0' | '4:4:4' {
  return subsampling === '444' ? '4:4:4' : '4:2:0'
}

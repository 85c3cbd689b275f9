import { formatIds } from '@pixelflow/core/format'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { outputName } from '@pixelflow/core/task'
import { previewFormats, previewOptions } from '@pixelflow/core/tune/client-message'
import { z } from 'zod'

/** Inputs and results of the preview worker. */

const pixels = z.int().positive()
const size = z.object({ width: pixels, height: pixels })
const picture = size.extend({ alpha: z.boolean(), isVector: z.boolean() })

/** Decodes the source and writes a smaller copy as raw pixels. */
const copyRequest = z.object({
  do: z.literal('copy'),
  /** Path of the source image. */
  source: z.string(),
  /** Format that the first bytes showed at the upload. */
  format: z.enum(formatIds),
  /** Whether the EXIF orientation is applied. */
  orient: z.boolean(),
  /** Pixel limit of the source. */
  maxPixels: pixels,
  /** Pixel limit of the copy. */
  copyPixels: pixels,
  /** Path of the copy. */
  path: z.string(),
})

export const copyResult = z.object({
  /** The source as the first step sees it. */
  source: picture,
  /** Rendering cost of an SVG. */
  cost: z.object({ layers: z.number(), canvases: z.number(), perRow: z.number(), fixed: z.number() }),
  copy: size.extend({ channels: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]) }),
})
export type CopyResult = z.infer<typeof copyResult>

/** Applies the recipe to a copy and writes the preview to a file. */
const previewWork = z.object({
  do: z.literal('preview'),
  /** Path of the copy. */
  path: z.string(),
  made: copyResult,
  format: z.enum(formatIds),
  /** Pixel limit of every intermediate image of the real result. */
  maxPixels: pixels,
  recipe,
  output: outputName,
  preview: previewOptions,
  /** Path of the preview. */
  target: z.string(),
})

export const previewInput = z.discriminatedUnion('do', [copyRequest, previewWork])
export type PreviewInput = z.infer<typeof previewInput>
export type CopyRequest = z.infer<typeof copyRequest>
export type PreviewWork = z.infer<typeof previewWork>

/** A preview whose file is complete. */
export const previewResult = size.extend({ result: size, format: z.enum(previewFormats) })
export type PreviewResult = z.infer<typeof previewResult>

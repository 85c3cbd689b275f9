import { formatIds } from '@pixelflow/core/format'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { outputName } from '@pixelflow/core/task'
import { previewFormats, previewOptions } from '@pixelflow/core/tune/client-message'
import { z } from 'zod'

/** What the outer half of a preview asks of its inner half, and what it hears. */

const pixels = z.int().positive()
const size = z.object({ width: pixels, height: pixels })
const picture = size.extend({ alpha: z.boolean(), isVector: z.boolean() })

/** Decodes the source once and leaves a smaller copy, as plain pixels. */
const makeCopy = z.object({
  do: z.literal('copy'),
  /** Path of the source's bytes. */
  source: z.string(),
  /** What the first bytes showed when the image came in. */
  format: z.enum(formatIds),
  /** Whether it is turned upright. */
  orient: z.boolean(),
  /** Pixels the source may have at most. */
  maxPixels: pixels,
  /** Pixels the copy may have at most. */
  copyPixels: pixels,
  /** Where the copy goes. */
  path: z.string(),
})

/** A copy that was made. */
export const copyMade = z.object({
  /** The source as the first step sees it. */
  source: picture,
  /** What drawing it takes, if it is a drawing. */
  cost: z.object({ layers: z.number(), canvases: z.number(), perRow: z.number(), fixed: z.number() }),
  copy: size.extend({ channels: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]) }),
})
export type CopyMade = z.infer<typeof copyMade>

/** Applies the recipe to a copy and leaves the preview as a file. */
const makePreview = z.object({
  do: z.literal('preview'),
  /** Path of the copy's pixels. */
  path: z.string(),
  made: copyMade,
  format: z.enum(formatIds),
  /** Pixels that every picture on the way to the real result may have at most. */
  maxPixels: pixels,
  recipe,
  output: outputName,
  wish: previewOptions,
  /** Where the preview goes. */
  target: z.string(),
})

export const previewInput = z.discriminatedUnion('do', [makeCopy, makePreview])
export type PreviewInput = z.infer<typeof previewInput>
export type MakeCopy = z.infer<typeof makeCopy>
export type MakePreview = z.infer<typeof makePreview>

/** A preview that lies in its file, whole. */
export const previewMade = size.extend({ result: size, format: z.enum(previewFormats) })
export type PreviewMade = z.infer<typeof previewMade>

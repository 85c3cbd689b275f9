import { formatIds, writableFormatIds } from '@pixelflow/core/format'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { outputName } from '@pixelflow/core/task'
import { z } from 'zod'

/** Input of the transform worker. */
export const transformInput = z.object({
  /** Path of the source image. */
  source: z.string(),
  /** Format that the first bytes showed at the upload. */
  format: z.enum(formatIds),
  recipe,
  /** Names of the outputs to render; output number i is written to `outputPath(folder, i)`. */
  outputs: z.array(outputName),
  folder: z.string(),
  /** Whether notes of the stages are needed. Without them decoding, rendering and encoding may be one pipeline. */
  inStages: z.boolean(),
  /** Pixel limit of the source and of every intermediate image. */
  maxPixels: z.int().positive(),
})
export type TransformInput = z.infer<typeof transformInput>

const pixels = z.int().positive()

/** A note that the transform worker sends. */
export const transformNote = z.discriminatedUnion('stage', [
  /** All pixels of the source that the recipe needs are decoded, without a decoder error. */
  z.object({ stage: z.literal('decoded') }),
  /** An output file is complete. */
  z.object({
    stage: z.literal('output'),
    index: z.int().nonnegative(),
    format: z.enum(writableFormatIds),
    width: pixels,
    height: pixels,
  }),
])
export type TransformNote = z.infer<typeof transformNote>

export function outputPath(folder: string, index: number): string {
  return `${folder}/output-${index}`
}

import { formatIds, writableFormatIds } from '@pixelflow/core/format'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { outputName } from '@pixelflow/core/task'
import { z } from 'zod'

/** What the outer half of a transform asks of its inner half. */
export const transformInput = z.object({
  /** Path of the source's bytes. */
  source: z.string(),
  /** What the first bytes showed when the image came in. */
  format: z.enum(formatIds),
  recipe,
  /** Names of the outputs to make; output number i goes to `outputPath(folder, i)`. */
  outputs: z.array(outputName),
  folder: z.string(),
  /** Whether anybody wants to know the stages: where nobody does, reading, changing and writing may be one. */
  inStages: z.boolean(),
  /** Pixels that the source, and every picture on the way, may have at most. */
  maxPixels: z.int().positive(),
})
export type TransformInput = z.infer<typeof transformInput>

const pixels = z.int().positive()

/** What the inner half tells on the way. */
export const transformNote = z.discriminatedUnion('stage', [
  /** Every pixel of the source that the recipe needs has been decoded, without mapVipsError from the decoder. */
  z.object({ stage: z.literal('decoded') }),
  /** An output lies in its file, whole. */
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

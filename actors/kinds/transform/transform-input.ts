import { writableFormatIds, type FormatId } from '@pixelflow/core/format'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { z } from 'zod'

/** Files up to this size travel in messages to and from workers, in base64: a file of its own costs more. */
export const maxMessageFileBytes = 48 * 1024

/** An image file that a worker receives: its bytes in base64, or the path of a larger one. */
export type WorkerSource = { readonly base64: string } | { readonly path: string }

/** Input of the transform worker. */
export interface TransformInput {
  readonly source: WorkerSource
  /** Format that the first bytes showed at the upload. */
  readonly format: FormatId
  readonly recipe: Recipe
  /** Names of the outputs to render. */
  readonly outputs: readonly string[]
  /** Folder for outputs that are too large for a message; the worker creates it if needed. See `outputPath`. */
  readonly folder: string
  /**
   * A single output whose encoding may take at most so many milliseconds is decoded and encoded in one pipeline, which
   * costs less; the note of its decoding comes with that of the output. Null: always, and no such note is needed.
   */
  readonly shortStageMs: number | null
  /** Pixel limit of the source and of every intermediate image. */
  readonly maxPixels: number
}

const pixels = z.int().positive()

/** A note that the transform worker sends. */
export const transformNote = z.discriminatedUnion('stage', [
  /** All pixels of the source that the recipe needs are decoded, without a decoder error. */
  z.object({ stage: z.literal('decoded') }),
  /** An output is complete. */
  z.object({
    stage: z.literal('output'),
    index: z.int().nonnegative(),
    format: z.enum(writableFormatIds),
    width: pixels,
    height: pixels,
    /** The file in base64; without it the file is at `outputPath(folder, index)`. */
    base64: z
      .string()
      .max(Math.ceil(maxMessageFileBytes / 3) * 4)
      .optional(),
  }),
])
export type TransformNote = z.infer<typeof transformNote>
export type OutputNote = Extract<TransformNote, { stage: 'output' }>

export function outputPath(folder: string, index: number): string {
  return `${folder}/output-${index}`
}

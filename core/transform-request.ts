import { z } from 'zod'
import { formatIds, writableFormatIds } from './format.ts'
import { recipe } from './recipe/recipe.ts'
import { outputName } from './task.ts'

/**
 * What gateway and actor say to each other in a `transform` session: the opening, then the picture in frames, cut
 * anywhere, and the end; back comes one frame with the result and its first bytes, then the rest of them.
 */
export const transformRequest = z.object({
  /** Who asked, for the log. */
  account: z.string(),
  /** What the first bytes of the picture show. */
  format: z.enum(formatIds),
  /** Size of the picture's file. */
  bytes: z.int().positive(),
  /** Pixels, as the file's header states them; null when its first bytes do not say. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  recipe,
  /** The one output of the recipe that is wanted. */
  output: outputName,
})
export type TransformRequest = z.infer<typeof transformRequest>

const pixels = z.int().positive()

/** Head of the first frame that comes back. */
export const transformResult = z.object({
  format: z.enum(writableFormatIds),
  width: pixels,
  height: pixels,
  /** Size of the result's file. */
  bytes: z.int().positive(),
  /** Of the result's file, 64 hexadecimal digits. */
  sha256: z.string(),
  /** How long a child has worked on it, in milliseconds. */
  workMs: z.number(),
})
export type TransformResult = z.infer<typeof transformResult>

/** Bytes in one frame: little enough to be sent on before the next one has come. */
export const maxFrameBytes = 252 * 1024

import { z } from 'zod'
import { formatIds, writableFormatIds } from './format.ts'
import { recipe } from './recipe/recipe.ts'
import { outputName } from './task.ts'

/**
 * Opens a `transform` session between gateway and actor. Unless the actor finds the shared file, the gateway then sends the
 * image in frames of any length and finishes. The actor answers with one frame that has the result and its first bytes, then the remaining bytes.
 */
export const transformRequest = z.object({
  /** Account of the caller, for the log. */
  account: z.string(),
  /** Format detected from the first bytes. */
  format: z.enum(formatIds),
  /** Size of the file in bytes. */
  bytes: z.int().positive(),
  /** Name of the file among those that processes of one machine share; only where the gateway shares it. */
  file: z.string().max(500).optional(),
  /** Pixels, from the file header; null if the first bytes do not contain them. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  recipe,
  /** Name of the output to return. */
  output: outputName,
  /** The span of the call, as a W3C `traceparent`; only where the gateway records traces. */
  traceparent: z.string().optional(),
})
export type TransformRequest = z.infer<typeof transformRequest>

const pixels = z.int().positive()

/** Head of the first frame of the answer. */
export const transformResult = z.object({
  format: z.enum(writableFormatIds),
  width: pixels,
  height: pixels,
  /** Size of the result in bytes. */
  bytes: z.int().positive(),
  /** SHA-256 of the result, 64 hexadecimal digits. */
  sha256: z.string(),
  /** Processing time in milliseconds. */
  workMs: z.number(),
})
export type TransformResult = z.infer<typeof transformResult>

/** Most bytes of one frame, small enough to be forwarded before the next one arrives. */
export const maxFrameBytes = 252 * 1024

import type { FormatId } from '@pixelflow/core/format'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { previewFormats, type PreviewOptions } from '@pixelflow/core/tune/client-message'
import { z } from 'zod'
import type { WorkerSource } from '../transform/transform-input.ts'

/** Inputs and results of the preview worker. */

const pixels = z.int().positive()
const size = z.object({ width: pixels, height: pixels })
const picture = size.extend({ alpha: z.boolean(), isVector: z.boolean() })

/** Decodes the source and writes a smaller copy as raw pixels. */
export interface CopyRequest {
  readonly do: 'copy'
  readonly source: WorkerSource
  /** Format that the first bytes showed at the upload. */
  readonly format: FormatId
  /** Whether the EXIF orientation is applied. */
  readonly orient: boolean
  /** Pixel limit of the source. */
  readonly maxPixels: number
  /** Pixel limit of the copy. */
  readonly copyPixels: number
  /** Path of the copy. */
  readonly path: string
}

export const copyResult = z.object({
  /** The source as the first step sees it. */
  source: picture,
  /** Rendering cost of an SVG. */
  cost: z.object({ layers: z.number(), canvases: z.number(), perRow: z.number(), fixed: z.number() }),
  copy: size.extend({ channels: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]) }),
})
export type CopyResult = z.infer<typeof copyResult>

/** Applies the recipe to a copy and writes the preview to a file. */
export interface PreviewWork {
  readonly do: 'preview'
  /** Path of the copy. */
  readonly path: string
  readonly made: CopyResult
  readonly format: FormatId
  /** Pixel limit of every intermediate image of the real result. */
  readonly maxPixels: number
  readonly recipe: Recipe
  readonly output: string
  readonly preview: PreviewOptions
  /** Path of the preview. */
  readonly target: string
}

export type PreviewInput = CopyRequest | PreviewWork

/** A preview whose file is complete. */
export const previewResult = size.extend({ result: size, format: z.enum(previewFormats) })
export type PreviewResult = z.infer<typeof previewResult>

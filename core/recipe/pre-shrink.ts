import type { Sharp } from 'sharp'
import type { Picture } from './operation.ts'
import type { PlannedStep } from './plan.ts'

/**
 * Number of pixels above which a picture is reduced while it is decoded. Its raw pixels would take 64 MB in addition to
 * the memory of the decoder. Reducing while decoding takes less memory, but twice as long as averaging blocks of raw
 * pixels (see rgba.ts).
 */
const largePixels = 16_000_000

/**
 * Reduces a large picture while it is decoded if the next step makes it much smaller. The memory that the step needs
 * then depends on the size of its result, not of the source.
 *
 * Colours are premultiplied by alpha in 16 bits, and the kernel does not overshoot, so flat colours stay flat.
 * @param pipeline a pipeline without calls other than auto-orient
 */
export function preShrink(pipeline: Sharp, { operation, step }: PlannedStep, picture: Picture): Sharp {
  const isLarge = picture.width * picture.height > largePixels
  if (!isLarge || picture.isDeep === true || picture.isVector === true) return pipeline
  const size = operation.preShrinkSize?.(step, picture)
  if (size === undefined) return pipeline
  const shrunk = pipeline.pipelineColourspace('rgb16').resize({ ...size, kernel: 'linear', fit: 'fill' })
  // libvips drops the low byte, so half a level is added to round to the nearest level.
  return shrunk.linear([1, 1, 1, 1], [128, 128, 128, 128]).toColourspace('srgb')
}

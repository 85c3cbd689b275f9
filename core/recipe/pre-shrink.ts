import type { Sharp } from 'sharp'
import type { Picture } from '../operations/operation.ts'
import type { PlannedStep } from './plan.ts'

/**
 * Pixels from which on a picture is large: as raw pixels it takes 64 MB beside what its decoder holds. This way takes less
 * memory, but twice the time of whole raw pixels and means of blocks (see rgba.ts).
 */
const largePixels = 16_000_000

/**
 * Makes a large picture smaller while it is decoded, where the step that comes next makes it much smaller anyway. What
 * that step then needs in memory is in proportion to its result, and not to the source.
 *
 * Colours are multiplied by alpha in 16 bits here, and the kernel does not overshoot, so flat colours stay flat.
 * @param pipeline one to which nothing was added but how the source is turned
 */
export function preShrink(pipeline: Sharp, { operation, step }: PlannedStep, picture: Picture): Sharp {
  const isLarge = picture.width * picture.height > largePixels
  if (!isLarge || picture.isDeep === true || picture.isVector === true) return pipeline
  const size = operation.preShrinkSize?.(step, picture)
  if (size === undefined) return pipeline
  const shrunk = pipeline.pipelineColourspace('rgb16').resize({ ...size, kernel: 'linear', fit: 'fill' })
  // From the end of a level to its middle, as libvips leaves the lower byte out.
  return shrunk.linear([1, 1, 1, 1], [128, 128, 128, 128]).toColourspace('srgb')
}

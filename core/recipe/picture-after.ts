import { pictureAfterStep, type Picture } from './operation.ts'
import { locateFaults } from './locate-faults.ts'
import type { PlannedStep } from './plan.ts'

/**
 * The picture after a step.
 * @throws Fault `processing_failed`, whose field names the step, if it is not possible for this picture.
 */
export function pictureAfter(picture: Picture, planned: PlannedStep): Picture {
  return locateFaults(planned.field, () => pictureAfterStep(planned, picture))
}

/** The picture after sharp has decoded it: raster pixels with 8 bits per channel. */
export function asDecoded({ width, height, alpha }: Picture): Picture {
  return { width, height, alpha }
}

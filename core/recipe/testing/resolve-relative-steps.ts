import { catalogue, type Step } from '../../operations/index.ts'
import type { Picture } from '../operation.ts'
import { parseRecipe } from '../recipe.ts'

/** Steps with sizes in pixels, from steps whose sizes are fractions of the picture that they receive. Only for tests. */
export function resolveRelativeSteps<RelativeStep>(
  relativeSteps: readonly RelativeStep[],
  start: Picture,
  inPixels: (relativeStep: RelativeStep, picture: Picture) => unknown,
): Step[] {
  let picture = start
  const steps: Step[] = []
  for (const one of relativeSteps) {
    const step = parseRecipe({ steps: [inPixels(one, picture)] }).steps[0]
    const operation = step === undefined ? undefined : catalogue.get(step.op)
    if (step === undefined || operation?.place !== 'any') throw new Error('not a step that changes pixels')
    picture = operation.after(step as never, picture)
    steps.push(step)
  }
  return steps
}

/** Converts the fractions of a resize to pixels; the width may be missing. */
export function resizeToPixels<RelativeStep extends { width?: number | undefined; height: number }>(
  relativeStep: RelativeStep,
  picture: Picture,
) {
  return {
    ...relativeStep,
    width: relativeStep.width === undefined ? undefined : Math.ceil(relativeStep.width * picture.width),
    height: Math.ceil(relativeStep.height * picture.height),
  }
}

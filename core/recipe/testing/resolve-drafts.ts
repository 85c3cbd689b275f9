import { catalogue, type Step } from '../../operations/index.ts'
import type { Picture } from '../../operations/operation.ts'
import { parseRecipe } from '../recipe.ts'

/** Turns drafts into steps. Sizes in a draft are fractions of the picture that its step receives. Only for tests. */
export function resolveDrafts<Draft>(
  drafts: readonly Draft[],
  start: Picture,
  inPixels: (draft: Draft, picture: Picture) => unknown,
): Step[] {
  let picture = start
  const steps: Step[] = []
  for (const one of drafts) {
    const step = parseRecipe({ steps: [inPixels(one, picture)] }).steps[0]
    const operation = step === undefined ? undefined : catalogue.get(step.op)
    if (step === undefined || operation?.place !== 'any') throw new Error('not a step that changes pixels')
    picture = operation.after(step as never, picture)
    steps.push(step)
  }
  return steps
}

/** Converts the fractions of a resize to pixels; the width may be missing. */
export function resizeToPixels<Draft extends { width?: number | undefined; height: number }>(
  draft: Draft,
  picture: Picture,
) {
  return {
    ...draft,
    width: draft.width === undefined ? undefined : Math.ceil(draft.width * picture.width),
    height: Math.ceil(draft.height * picture.height),
  }
}

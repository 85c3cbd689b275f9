import { catalogue, type Step } from '../../operations/index.ts'
import type { Picture } from '../../operations/operation.ts'
import { parseRecipe } from '../recipe.ts'

/** Makes steps of drafts whose sizes are shares of the picture as it is when their turn comes. Only tests use this. */
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

/** A resize to shares of the picture, of its width perhaps not. */
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

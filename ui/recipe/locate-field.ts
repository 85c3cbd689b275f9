import { parseStepPath } from '@pixelflow/core/recipe/parse-step-path'
import type { Draft } from './draft.ts'

/** A place in a draft: a group of steps, a step in it and a parameter of the step. */
export interface DraftLocation {
  readonly group: number
  readonly step: number | undefined
  readonly parameter: string | undefined
}

/** The place of a fault's field such as `outputs.thumb.steps[0].width`; undefined if the draft has no such place. */
export function locateField(draft: Draft, field: string): DraftLocation | undefined {
  const path = parseStepPath(field)
  if (path === undefined) return undefined
  const group = draft.find((one) => one.output === path.output)
  if (group === undefined) return undefined
  return { group: group.key, step: group.steps[path.index]?.key, parameter: path.parameter }
}

import type { Draft } from './draft.ts'

/** A place in a draft: a group of steps, a step in it and a parameter of the step. */
export interface DraftLocation {
  readonly group: number
  readonly step: number | undefined
  readonly parameter: string | undefined
}

/** The place of a fault's field such as `outputs.thumb.steps[0].width`; undefined if the draft has no such place. */
export function locateField(draft: Draft, field: string): DraftLocation | undefined {
  const found = /^(?:recipe\.)?(?:outputs[.[]"?([a-z0-9_-]+)"?\]?\.)?steps\[(\d+)\](?:\.(.+))?$/.exec(field)
  if (found === null) return undefined
  const [, output, index, parameter] = found
  const group = draft.find((one) => one.output === (output ?? null))
  if (group === undefined) return undefined
  return { group: group.key, step: group.steps[Number(index)]?.key, parameter }
}

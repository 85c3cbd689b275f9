import type { Draft, StepGroup } from './draft.ts'
import { omitDefaults, type Field } from './field.ts'

/** The recipe of a draft, without validation. */
export function toRecipe(draft: Draft, fields: (op: string) => readonly Field[]): Record<string, unknown> {
  const toSteps = (group: StepGroup) =>
    group.steps.map(({ op, values }) => ({ op, ...omitDefaults(values, fields(op)) }))
  const [shared, ...outputs] = draft
  if (outputs.length === 0) return { steps: toSteps(shared) }
  return {
    steps: toSteps(shared),
    outputs: Object.fromEntries(outputs.map((group) => [group.output, { steps: toSteps(group) }])),
  }
}

import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { newKey, type Draft, type Lane } from './draft.ts'
import type { Field } from './field.ts'

/** The draft of a recipe. Existing step lists and steps keep their keys, so that focus and fold state are kept. */
export function draftOf(recipe: Recipe, before: Draft, fields: (op: string) => readonly Field[]): Draft {
  const lane = (old: Lane | undefined, output: string | null, steps: Recipe['steps']): Lane => ({
    key: old?.key ?? newKey(),
    output,
    steps: steps.map(({ op, ...values }, at) => {
      const before = old?.steps[at]
      return {
        key: before?.op === op ? before.key : newKey(),
        op,
        values: withoutFallbacks(values, fields(op)),
      }
    }),
  })
  return [
    lane(before[0], null, recipe.steps),
    ...Object.entries(recipe.outputs ?? {}).map(([name, { steps }], at) =>
      lane(before.slice(1).find((old) => old.output === name) ?? before[at + 1], name, steps),
    ),
  ]
}

/** The recipe of a draft, without validation. */
export function recipeOf(draft: Draft, fields: (op: string) => readonly Field[]): Record<string, unknown> {
  const steps = (lane: Lane) =>
    lane.steps.map(({ op, values }) => ({ op, ...withoutFallbacks(values, fields(op)) }))
  const [shared, ...outputs] = draft
  if (outputs.length === 0) return { steps: steps(shared) }
  return {
    steps: steps(shared),
    outputs: Object.fromEntries(outputs.map((lane) => [lane.output, { steps: steps(lane) }])),
  }
}

/** The place of a fault's field such as `outputs.thumb.steps[0].width`: a step list, a step in it and a parameter. */
export function placeOf(
  draft: Draft,
  field: string,
): { lane: number; step: number | undefined; parameter: string | undefined } | undefined {
  const found = /^(?:recipe\.)?(?:outputs[.[]"?([a-z0-9_-]+)"?\]?\.)?steps\[(\d+)\](?:\.(.+))?$/.exec(field)
  if (found === null) return undefined
  const [, output, index, parameter] = found
  const lane = draft.find((one) => one.output === (output ?? null))
  if (lane === undefined) return undefined
  return { lane: lane.key, step: lane.steps[Number(index)]?.key, parameter }
}

function withoutFallbacks(values: object, fields: readonly Field[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => {
      const field = fields.find((one) => one.name === name)
      return value !== undefined && (field?.fallback === undefined || field.fallback !== value)
    }),
  )
}

import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { createKey, type Draft, type StepGroup } from './draft.ts'
import { omitDefaults, type Field } from './field.ts'

/** The draft of a recipe. Existing groups and steps keep their keys, so that focus and fold state are kept. */
export function toDraft(recipe: Recipe, before: Draft, fields: (op: string) => readonly Field[]): Draft {
  const toGroup = (old: StepGroup | undefined, output: string | null, steps: Recipe['steps']): StepGroup => ({
    key: old?.key ?? createKey(),
    output,
    steps: steps.map(({ op, ...values }, at) => {
      const oldStep = old?.steps[at]
      return {
        key: oldStep?.op === op ? oldStep.key : createKey(),
        op,
        values: omitDefaults(values, fields(op)),
      }
    }),
  })
  return [
    toGroup(before[0], null, recipe.steps),
    ...Object.entries(recipe.outputs ?? {}).map(([name, { steps }], at) =>
      toGroup(before.slice(1).find((old) => old.output === name) ?? before[at + 1], name, steps),
    ),
  ]
}

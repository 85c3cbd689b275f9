import type { RecipeOf } from '@pixelflow/core/recipe/create-catalogue'
import { createKey, type Draft, type StepGroup } from './draft.ts'
import { omitDefaults, type Field } from './field.ts'

/** A recipe whose steps may lack parameters that have a default. */
export type DraftSource = Readonly<RecipeOf<{ readonly op: string; readonly [parameter: string]: unknown }>>

/** The draft of a recipe. Existing groups and steps keep their keys, so that focus and fold state are kept. */
export function toDraft(recipe: DraftSource, before: Draft, fields: (op: string) => readonly Field[]): Draft {
  const toGroup = (
    old: StepGroup | undefined,
    output: string | null,
    steps: DraftSource['steps'],
  ): StepGroup => ({
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

import type { RecipeOf } from './create-catalogue.ts'

/** One step of an output with its path in the recipe. */
export interface LocatedStep<S> {
  readonly step: S
  readonly path: readonly (string | number)[]
}

export interface Branch<S> {
  readonly name: string | undefined
  readonly steps: readonly LocatedStep<S>[]
}

/** The outputs of a recipe, each with all its steps: first the shared ones, then its own. Needs no schema. */
export function listBranches<S>(recipe: RecipeOf<S>): Branch<S>[] {
  const locate = (steps: readonly S[], ...prefix: string[]): LocatedStep<S>[] =>
    steps.map((step, i) => ({ step, path: [...prefix, 'steps', i] }))
  const shared = locate(recipe.steps)
  if (recipe.outputs === undefined) return [{ name: undefined, steps: shared }]
  return Object.entries(recipe.outputs).map(([name, output]) => ({
    name,
    steps: [...shared, ...locate(output.steps, 'outputs', name)],
  }))
}

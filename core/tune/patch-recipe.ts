import { Fault } from '../fault.ts'
import { parseRecipe, type Recipe } from '../recipe/recipe.ts'
import type { ParameterChanges } from './client-message.ts'

type Raw = Record<string, unknown>

const fieldPattern = /^(?:outputs\.([a-z0-9][a-z0-9_-]*)\.)?steps\[(\d{1,3})\]\.([A-Za-z]{1,64})$/

/**
 * Sets single parameters of a recipe and validates the result. Null removes a value, so that the default applies. The
 * operation of a step (`op`) cannot be changed.
 * @throws Fault `invalid_recipe` naming the parameter.
 */
export function patchRecipe(recipe: Recipe, changes: ParameterChanges): Recipe {
  const steps: Raw[] = recipe.steps.map((step) => ({ ...step }))
  const outputs = new Map(
    Object.entries(recipe.outputs ?? {}).map(([name, output]) => [
      name,
      output.steps.map((step): Raw => ({ ...step })),
    ]),
  )
  for (const [field, value] of Object.entries(changes)) {
    const [, output, index, parameter = ''] = fieldPattern.exec(field) ?? []
    const step = (output === undefined ? steps : outputs.get(output))?.[Number(index)]
    if (step === undefined || parameter === 'op') throw unknownField(field)
    if (value === null) delete step[parameter]
    else step[parameter] = value
  }
  const raw = Object.fromEntries([...outputs].map(([name, own]) => [name, { steps: own }]))
  return parseRecipe({ steps, ...(recipe.outputs === undefined ? {} : { outputs: raw }) })
}

function unknownField(field: string): Fault {
  return new Fault(
    'invalid_recipe',
    `The recipe has no parameter at ${JSON.stringify(field.slice(0, 80))}.`,
    {
      field: field.slice(0, 80),
      remedy: 'Name a parameter of an existing step, such as steps[0].sigma, or send the whole recipe.',
    },
  )
}

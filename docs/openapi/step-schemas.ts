import { catalogue } from '@pixelflow/core/operations/index'
import { operationName } from '@pixelflow/core/recipe/create-catalogue'
import type { z } from 'zod'
import { ref, type Json } from './ref.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

type StepName = `${string}Step` | `${string}StepInput`

const operations = new Map(
  catalogue.operations.map((operation): [string, z.ZodType] => [operationName(operation), operation.schema]),
)

/** The steps of stored recipes by component name: every parameter with a default is present. */
export const stepSchemas: Readonly<Record<`${string}Step`, z.ZodType>> = Object.fromEntries(
  [...operations].map(([name, schema]) => [stepName(name), schema]),
)

/** Adds the property that names the operation to the union of all steps. */
export function withDiscriminator(step: Json, suffix: '' | 'Input'): Json {
  const mapping = [...operations.keys()].map((name) => [name, ref(`${stepName(name)}${suffix}`)['$ref']])
  return { ...step, discriminator: { propertyName: 'op', mapping: Object.fromEntries(mapping) } }
}

/** A recipe and its steps in a request body, where every parameter with a default is optional. */
export function recipeInputSchemas(): Record<string, Json> {
  const steps = Object.entries(stepSchemas).map(([name, schema]) => [`${name}Input`, schema] as const)
  const { StepInput: step, ...others } = toComponentSchemas(
    {
      RecipeInput: catalogue.recipe,
      RecipeOutputInput: catalogue.recipeOutput,
      StepInput: catalogue.step,
      ...(Object.fromEntries(steps) as Record<StepName, z.ZodType>),
    },
    'input',
  )
  return { ...others, StepInput: withDiscriminator(step, 'Input') }
}

function stepName(operation: string): `${string}Step` {
  return `${operation.replaceAll(/(?:^|[_-])([a-z])/g, (_, initial: string) => initial.toUpperCase())}Step`
}

import { z } from 'zod'
import { createCatalogue, operationName } from '../recipe/create-catalogue.ts'
import { parseWith } from '../recipe/parse-with.ts'
import { sortOperations } from '../recipe/sort-operations.ts'
import { positionalParameters, formatUsage } from '../recipe/write-text.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import type { Operation, StepOf } from '../recipe/operation.ts'
import * as shipped from './operations.gen.ts'

type ShippedOperation = (typeof shipped)[keyof typeof shipped]

/** Every operation, in the order of the documentation. */
export const operations = sortOperations<ShippedOperation>(Object.values(shipped))

/** One step of a recipe, with all defaults. */
export type Step = StepOf<ShippedOperation>

/** The catalogue of all operations. */
export const catalogue = createCatalogue<ShippedOperation>(operations)

/** One operation, as `GET /api/v1/operations` publishes it. */
export interface OperationDescription {
  readonly name: string
  readonly title: string
  readonly summary: string
  /** Its allowed position among the steps of an output. */
  readonly place: Operation['place']
  /** JSON Schema of the step as input, where parameters with a default are optional. */
  readonly schema: JsonSchema
  readonly text: OperationText
  readonly examples: readonly { readonly text: string; readonly recipe: unknown }[]
}

/** An operation in the short text form of recipes. */
export interface OperationText {
  /** The form with its parameters, for people. */
  readonly usage: string
  /** Names of the parameters whose values can be written without a name, in order. */
  readonly positional: readonly string[]
}

/** Body of `GET /api/v1/operations`. Forms, documentation and clients are derived from it. */
export function describeOperations(): {
  operations: readonly OperationDescription[]
  recipe: JsonSchema
} {
  return {
    operations: operations.map(describe),
    recipe: z.toJSONSchema(catalogue.recipe, { io: 'input' }) as JsonSchema,
  }
}

function describe(operation: Operation): OperationDescription {
  const name = operationName(operation)
  const { title, summary, place, examples } = operation
  return {
    name,
    title,
    summary,
    place,
    schema: catalogue.jsonSchema(name),
    text: { usage: formatUsage(name, catalogue), positional: positionalParameters(name, catalogue) },
    examples: examples.map((text) => ({ text, recipe: parseWith(text, catalogue) })),
  }
}

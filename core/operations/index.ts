import { z } from 'zod'
import { createCatalogue, operationName } from '../recipe/create-catalogue.ts'
import { parseWith } from '../recipe/parse-with.ts'
import { positionalParameters, formatUsage } from '../recipe/write-text.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import { blur } from './blur.ts'
import { crop } from './crop.ts'
import { flip } from './flip.ts'
import { flop } from './flop.ts'
import { format } from './format.ts'
import { grayscale } from './grayscale.ts'
import type { Operation, StepOf } from './operation.ts'
import { orient } from './orient.ts'
import { resize } from './resize.ts'
import { rotate } from './rotate.ts'
import { sharpen } from './sharpen.ts'

/** Every operation, in the order of the documentation. */
export const operations = [
  orient,
  resize,
  crop,
  rotate,
  flip,
  flop,
  blur,
  sharpen,
  grayscale,
  format,
] as const

type ShippedOperation = (typeof operations)[number]

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

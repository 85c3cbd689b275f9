import * as fc from 'fast-check'
import { catalogue } from '../../operations/index.ts'
import type { JsonSchema } from '../../validation/json-schema.ts'

/** A step as a caller writes it: values that have a default may be missing. */
export type StepInput = Readonly<Record<string, unknown>> & { readonly op: string }

/**
 * Random steps of an operation, generated from its published schema, so that a new operation needs no line in a test.
 * Not every step is valid: rules between parameters are not part of the schema.
 * @param valueOf generates the values of a parameter
 */
export function arbitraryStep(
  name: string,
  valueOf: (schema: JsonSchema) => fc.Arbitrary<unknown> = arbitraryValue,
): fc.Arbitrary<StepInput> {
  const parameters = Object.entries(catalogue.parameters(name)).map(
    ([parameter, schema]) => [parameter, valueOf(schema)] as const,
  )
  const required = (catalogue.jsonSchema(name).required ?? []).filter((parameter) => parameter !== 'op')
  return fc
    .record(Object.fromEntries(parameters), { requiredKeys: required })
    .map((values) => ({ ...values, op: name }))
}

/**
 * Any value that the schema of a parameter allows.
 * @throws Error for a schema that no operation had so far; add its values here.
 */
export function arbitraryValue(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { type, minimum: min, maximum: max, pattern } = schema
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (type === 'boolean') return fc.boolean()
  if (type === 'string' && pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  if (min !== undefined && max !== undefined) {
    if (type === 'integer') return fc.integer({ min, max })
    // The text form has no negative zero.
    if (type === 'number') return fc.double({ min, max, noNaN: true }).map((value) => value + 0)
  }
  throw new Error(`no values are known for the schema ${JSON.stringify(schema)}`)
}

import fc, { type Arbitrary } from 'fast-check'
import { z } from 'zod'

/**
 * Values that a schema of a call accepts.
 * @param hasDefaults whether numbers may be 0 and texts empty; in a request, proto3 does not tell these from missing ones
 * @throws Error for a kind of schema that no call has.
 */
export function schemaArbitrary(schema: z.ZodType, hasDefaults: boolean): Arbitrary<unknown> {
  if (schema instanceof z.ZodObject) return objectArbitrary(schema.shape, hasDefaults)
  if (schema instanceof z.ZodArray)
    return fc.array(schemaArbitrary(schema.element as z.ZodType, hasDefaults), { maxLength: 3 })
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodDefault)
    return schemaArbitrary(schema.unwrap() as z.ZodType, hasDefaults)
  if (schema instanceof z.ZodNullable) return fc.option(schemaArbitrary(schema.unwrap() as z.ZodType, false))
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options)
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values)
  if (schema instanceof z.ZodISODateTime) return timeArbitrary
  if (schema instanceof z.ZodString) return textArbitrary(schema, hasDefaults)
  if (schema instanceof z.ZodNumber) return numberArbitrary(schema, hasDefaults)
  if (schema instanceof z.ZodBoolean) return fc.boolean()
  if (schema instanceof z.ZodRecord)
    return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  if (schema instanceof z.ZodUnion)
    return fc.oneof(...schema.options.map((one) => schemaArbitrary(one as z.ZodType, hasDefaults)))
  if (schema instanceof z.ZodPipe)
    return schemaArbitrary(
      (schema.in instanceof z.ZodTransform ? schema.out : schema.in) as z.ZodType,
      hasDefaults,
    )
  if (schema instanceof z.ZodUnknown) return fc.constant('resize:300/blur:2')
  throw new Error(`no arbitrary for ${schema.def.type}`)
}

/** Protobuf has nanoseconds from year 1 to 9999, JSON milliseconds. */
const timeArbitrary = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

function objectArbitrary(shape: Readonly<Record<string, unknown>>, hasDefaults: boolean): Arbitrary<object> {
  const fields = Object.entries(shape) as [string, z.ZodType][]
  const arbitraries = fields.map(([name, field]) => [
    name,
    // Of a field that may be missing, proto3 reads the default as missing, also in a response.
    field instanceof z.ZodOptional
      ? schemaArbitrary(field.unwrap() as z.ZodType, false)
      : schemaArbitrary(field, hasDefaults),
  ])
  const requiredKeys = fields.filter(([, field]) => !(field instanceof z.ZodOptional)).map(([name]) => name)
  return fc.record(Object.fromEntries(arbitraries) as Record<string, Arbitrary<unknown>>, {
    requiredKeys,
    noNullPrototype: true,
  })
}

function textArbitrary({ def }: z.ZodString, hasDefaults: boolean): Arbitrary<string> {
  const patterns = (def.checks ?? []).flatMap((check) => {
    const { pattern } = check._zod.def as { readonly pattern?: RegExp }
    return pattern ? [pattern] : []
  })
  const [pattern] = patterns
  return pattern
    ? fc.stringMatching(pattern)
    : fc.string({ unit: 'grapheme', minLength: hasDefaults ? 0 : 1 })
}

function numberArbitrary(schema: z.ZodNumber, hasDefaults: boolean): Arbitrary<number> {
  const { minValue, maxValue } = schema
  const min = Math.max(minValue ?? 0, -(2 ** 31))
  const max = Math.min(maxValue ?? 2 ** 31 - 1, 2 ** 31 - 1)
  if (schema.isInt)
    return fc.integer({ min: hasDefaults ? Math.ceil(min) : Math.ceil(Math.max(min, 1)), max })
  return fc.double({ min, max, noNaN: true }).map((value) => value + 0)
}

import { alternatives, type Field, type JsonSchema } from './field.ts'

/** What is wrong with a value, as one short sentence; undefined for a valid value. `undefined` is a missing value. */
export function problemOf(field: Field, value: unknown): string | undefined {
  if (value === undefined) return field.required ? 'Needed.' : undefined
  const problems = alternatives(field.schema).map((one) => problemWith(one, value))
  return problems.includes(undefined) ? undefined : problems.findLast((one) => one !== undefined)
}

function problemWith(schema: JsonSchema, value: unknown): string | undefined {
  if (schema.const !== undefined) return value === schema.const ? undefined : `Use ${String(schema.const)}.`
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return `Use one of ${schema.enum.join(', ')}.`
  switch (schema.type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' ? problemWithNumber(schema, value) : 'Use a number.'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'Use yes or no.'
    case 'string':
      return typeof value === 'string' ? problemWithText(schema, value) : 'Use text.'
    default:
      return undefined
  }
}

function problemWithNumber(schema: JsonSchema, value: number): string | undefined {
  if (!Number.isFinite(value)) return 'Use a number.'
  if (schema.type === 'integer' && !Number.isInteger(value)) return 'Use a whole number.'
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (minimum !== undefined && value < minimum) return `Use ${minimum} or more.`
  if (maximum !== undefined && value > maximum) return `Use ${maximum} or less.`
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return `Use more than ${exclusiveMinimum}.`
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return `Use less than ${exclusiveMaximum}.`
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) return `Use a multiple of ${multipleOf}.`
  return undefined
}

function isMultiple(value: number, of: number): boolean {
  const times = value / of
  return Math.abs(times - Math.round(times)) < 1e-9
}

function problemWithText(schema: JsonSchema, value: string): string | undefined {
  const { minLength, maxLength, pattern } = schema
  if (minLength !== undefined && value.length < minLength) return `Use at least ${minLength} characters.`
  if (maxLength !== undefined && value.length > maxLength) return `Use at most ${maxLength} characters.`
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return 'The format is not valid.'
  return undefined
}

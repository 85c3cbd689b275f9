import { listAlternatives, type Field } from './field.ts'
import type { JsonSchema } from '@pixelflow/core/validation/json-schema'

/** What is wrong with a value, in short; undefined for a valid value. The value `undefined` is a missing value. */
export function checkValue(field: Field, value: unknown): string | undefined {
  if (value === undefined) return field.isRequired ? 'Required. Enter a value.' : undefined
  const problems = listAlternatives(field.schema).map((one) => checkAgainst(one, value))
  return problems.includes(undefined) ? undefined : problems.findLast((one) => one !== undefined)
}

function checkAgainst(schema: JsonSchema, value: unknown): string | undefined {
  if (schema.const !== undefined) return value === schema.const ? undefined : `Use ${String(schema.const)}.`
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return `Use one of ${schema.enum.join(', ')}.`
  switch (schema.type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' ? checkNumber(schema, value) : 'Use a number.'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'Use true or false.'
    case 'string':
      return typeof value === 'string' ? checkText(schema, value) : 'Use text.'
    default:
      return undefined
  }
}

function checkNumber(schema: JsonSchema, value: number): string | undefined {
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
  const quotient = value / of
  return Math.abs(quotient - Math.round(quotient)) < 1e-9
}

function checkText(schema: JsonSchema, value: string): string | undefined {
  const { minLength, maxLength, pattern } = schema
  if (minLength !== undefined && value.length < minLength)
    return `Use at least ${countCharacters(minLength)}.`
  if (maxLength !== undefined && value.length > maxLength) return `Use at most ${countCharacters(maxLength)}.`
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    return 'Invalid format. Correct the value.'
  return undefined
}

function countCharacters(count: number): string {
  return count === 1 ? '1 character' : `${count} characters`
}

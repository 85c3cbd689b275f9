import { describe, expect, test } from 'bun:test'
import { checkValue } from './check-value.ts'
import { toFields, type Field } from './field.ts'
import type { JsonSchema } from '@pixelflow/core/validation/json-schema'

function field(schema: JsonSchema, { name = 'value', required = false } = {}): Field {
  const [only] = toFields({ properties: { [name]: schema }, required: required ? [name] : [] })
  if (only === undefined) throw new Error('The schema gave no field.')
  return only
}

describe('toFields', () => {
  test('keeps the published order and omits the constant that names the operation', () => {
    const fields = toFields({
      type: 'object',
      properties: {
        op: { type: 'string', const: 'blur' },
        sigma: {
          type: 'number',
          title: 'Sigma',
          description: 'Pixels.',
          minimum: 0.3,
          maximum: 250,
          default: 3,
        },
        minAmount: { type: 'integer' },
      },
      required: ['op', 'minAmount'],
    })
    expect(
      fields.map(({ name, label, hint, isRequired, defaultValue }) => [
        name,
        label,
        hint,
        isRequired,
        defaultValue,
      ]),
    ).toEqual([
      ['sigma', 'Sigma', 'Pixels.', false, 3],
      ['minAmount', 'Min amount', undefined, true, undefined],
    ])
  })

  test('uses a slider only for a number with both bounds', () => {
    expect(field({ type: 'number', minimum: 0, maximum: 1 }).control).toEqual({
      kind: 'number',
      isInteger: false,
      range: { min: 0, max: 1, step: 0.01, isLogarithmic: false },
    })
    expect(field({ type: 'integer', minimum: 1, maximum: 65_535 }).control).toEqual({
      kind: 'number',
      isInteger: true,
      range: { min: 1, max: 65_535, step: 1, isLogarithmic: true },
    })
    expect(field({ type: 'number', minimum: -360, maximum: 360 }).control).toMatchObject({
      range: { step: 1, isLogarithmic: false },
    })
    expect(field({ type: 'number', minimum: 0.3, maximum: 250 }).control).toMatchObject({
      range: { step: 0.1, isLogarithmic: true },
    })
    expect(field({ type: 'integer', minimum: 1 }).control).toEqual({ kind: 'number', isInteger: true })
    expect(
      field({ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }).control,
    ).toEqual({ kind: 'number', isInteger: true })
  })

  test('recognises choices, switches, colours and text', () => {
    expect(field({ type: 'string', enum: ['a', 'b'] }).control).toEqual({
      kind: 'choice',
      options: ['a', 'b'],
    })
    expect(field({ anyOf: [{ const: 90 }, { const: 'auto' }] }).control).toEqual({
      kind: 'choice',
      options: [90, 'auto'],
    })
    expect(field({ type: 'boolean' }).control).toEqual({ kind: 'switch' })
    expect(field({ type: 'string', format: 'color', pattern: '^#' }).control).toEqual({ kind: 'color' })
    expect(field({ type: 'string' }).control).toEqual({ kind: 'text', isNumeric: false })
    expect(field({ anyOf: [{ const: 'center' }, { type: 'number' }] }).control).toEqual({
      kind: 'text',
      isNumeric: true,
    })
  })
})

describe('checkValue', () => {
  test('reports a missing value only for a required field', () => {
    expect(checkValue(field({ type: 'integer' }, { required: true }), undefined)).toBe(
      'Required. Enter a value.',
    )
    expect(checkValue(field({ type: 'integer', default: 1 }, { required: true }), undefined)).toBeUndefined()
    expect(checkValue(field({ type: 'integer' }), undefined)).toBeUndefined()
  })

  test.each<[JsonSchema, unknown, string | undefined]>([
    [{ type: 'integer', minimum: 1, maximum: 9 }, 5, undefined],
    [{ type: 'integer', minimum: 1, maximum: 9 }, 0, 'Use 1 or more.'],
    [{ type: 'integer', minimum: 1, maximum: 9 }, 10, 'Use 9 or less.'],
    [{ type: 'integer' }, 1.5, 'Use a whole number.'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'Use more than 0.'],
    [{ type: 'number', exclusiveMaximum: 1 }, 1, 'Use less than 1.'],
    [{ type: 'number', multipleOf: 0.1 }, 0.3, undefined],
    [{ type: 'number', multipleOf: 0.1 }, 0.35, 'Use a multiple of 0.1.'],
    [{ type: 'number' }, '12x', 'Use a number.'],
    [{ type: 'string', enum: ['a', 'b'] }, 'c', 'Use one of a, b.'],
    [{ type: 'boolean' }, 'yes', 'Use true or false.'],
    [{ type: 'string', pattern: '^#[0-9a-f]{6}$' }, '#12345g', 'Invalid format. Correct the value.'],
    [{ type: 'string', minLength: 2 }, 'a', 'Use at least 2 characters.'],
    [{ type: 'string', maxLength: 1 }, 'ab', 'Use at most 1 character.'],
    [
      {
        anyOf: [
          { type: 'string', const: 'center' },
          { type: 'number', maximum: 1 },
        ],
      },
      'center',
      undefined,
    ],
    [
      {
        anyOf: [
          { type: 'string', const: 'center' },
          { type: 'number', maximum: 1 },
        ],
      },
      0.5,
      undefined,
    ],
    [
      {
        anyOf: [
          { type: 'string', const: 'center' },
          { type: 'number', maximum: 1 },
        ],
      },
      2,
      'Use 1 or less.',
    ],
  ])('%j accepts %j: %p', (schema, value, problem) => {
    expect(checkValue(field(schema), value)).toBe(problem as string)
  })
})

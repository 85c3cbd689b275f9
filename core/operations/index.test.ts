import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import type { JsonSchema } from '../validation/json-schema.ts'
import { operationName } from '../recipe/create-catalogue.ts'
import { parseRecipe } from '../recipe/recipe.ts'
import { printText } from '../recipe/text.ts'
import { catalogue, describeOperations, operations } from './index.ts'

test('each operation has its own file, named after it', async () => {
  const files = await Array.fromAsync(new Glob('*.ts').scan({ cwd: import.meta.dir }))
  const expected = files
    .filter((file) => !file.endsWith('.test.ts') && file !== 'index.ts' && file !== 'operations.gen.ts')
    .map((file) => file.replace('.ts', ''))
  expect(operations.map(operationName).toSorted()).toEqual(expected.toSorted())
})

describe.each(operations.map((operation) => [operationName(operation), operation] as const))(
  '%s',
  (name, operation) => {
    const parameters = Object.entries(catalogue.parameters(name))

    test('has a title, a summary and examples', () => {
      expect(operation.title).toMatch(/^[A-Z]/)
      expect(operation.summary).toMatch(/^[A-Z].*\.$/)
      expect(operation.examples.length).toBeGreaterThan(0)
    })

    test('has a title, a description and bounds for every parameter', () => {
      for (const [parameter, schema] of parameters) {
        expect({ parameter, title: schema.title }).toEqual({ parameter, title: expect.any(String) })
        expect(schema.description?.length).toBeGreaterThan(10)
        expect({ parameter, isBounded: isBounded(schema) }).toEqual({ parameter, isBounded: true })
      }
    })

    test('rejects unknown parameters', () => {
      const [example = ''] = operation.examples
      const step = parseRecipe(example).steps.find(({ op }) => op === name)
      expect(operation.schema.safeParse(step).success).toBe(true)
      expect(operation.schema.safeParse({ ...step, surprise: 1 }).success).toBe(false)
    })

    test('has examples that use it and can be parsed', () => {
      for (const example of operation.examples) {
        const recipe = parseRecipe(example)
        expect(recipe.steps.some(({ op }) => op === name)).toBe(true)
        expect(parseRecipe(printText(recipe))).toEqual(recipe)
      }
    })

    test('has only known positional parameters, and no choice with the name of a boolean parameter', () => {
      const known = parameters.map(([parameter]) => parameter)
      for (const one of operation.positional) {
        for (const parameter of typeof one === 'string' ? [one] : one.parameters)
          expect(known).toContain(parameter)
      }
      const switches = parameters
        .filter(([, schema]) => schema.type === 'boolean')
        .map(([parameter]) => parameter)
      for (const [, schema] of parameters) {
        for (const choice of schema.enum ?? []) expect(switches).not.toContain(choice as string)
      }
    })
  },
)

function isBounded(schema: JsonSchema): boolean {
  if (schema.type === 'boolean' || schema.enum !== undefined || schema.pattern !== undefined) return true
  return schema.minimum !== undefined && schema.maximum !== undefined
}

describe('the body of GET /api/v1/operations', () => {
  const body = describeOperations()

  test('is JSON with one entry per operation, in order', () => {
    expect(JSON.parse(JSON.stringify(body))).toEqual(body)
    expect(body.operations.map(({ name }) => name)).toEqual([...catalogue.names])
  })

  test('distinguishes numbers, choices, booleans and colours', () => {
    const properties = (name: string) =>
      body.operations.find((one) => one.name === name)?.schema.properties ?? {}
    expect(properties('blur')['sigma']).toMatchObject({
      type: 'number',
      minimum: 0.3,
      maximum: 250,
      default: 3,
    })
    expect(properties('crop')['left']).toMatchObject({ type: 'integer', minimum: 0 })
    // Not with a matcher in toMatchObject, which Bun writes into the schema that all tests of the process share.
    expect(properties('resize')['fit']?.enum).toContain('cover')
    expect(properties('resize')['fit']?.default).toBe('inside')
    expect(properties('resize')['enlarge']).toMatchObject({ type: 'boolean', default: false })
    expect(properties('rotate')['background']).toMatchObject({ format: 'color', default: '#00000000' })
    expect(properties('resize')['op']).toMatchObject({ const: 'resize' })
  })

  test('requires only parameters without a default', () => {
    const required = Object.fromEntries(body.operations.map(({ name, schema }) => [name, schema.required]))
    expect(required).toMatchObject({
      crop: ['op', 'left', 'top', 'width', 'height'],
      rotate: ['op', 'angle'],
      resize: ['op'],
      format: ['op'],
    })
  })

  test('has the usage line of each operation', () => {
    expect(body.operations.map(({ text }) => text.usage)).toContain(
      'resize:<width>x<height>[:fit][:position][:name=value]',
    )
    expect(body.operations.map(({ text }) => text.usage)).toContain('crop:left:top:width:height')
  })

  test('has the positional parameters of each operation', () => {
    const positional = Object.fromEntries(body.operations.map(({ name, text }) => [name, text.positional]))
    expect(positional).toMatchObject({
      resize: ['width', 'height', 'fit', 'position'],
      crop: ['left', 'top', 'width', 'height'],
      blur: ['sigma'],
      flip: [],
    })
  })

  test('has the schema of a recipe', () => {
    expect(body.recipe).toMatchObject({ type: 'object', required: ['steps'] })
    expect(Object.keys(body.recipe.properties ?? {})).toEqual(['steps', 'outputs'])
  })
})

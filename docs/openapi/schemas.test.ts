import { expect, test } from 'bun:test'
import { catalogue } from '@pixelflow/core/operations/index'
import { componentSchemas } from './schemas.ts'

const schemas = componentSchemas() as Readonly<Record<string, Record<string, unknown>>>
const names = catalogue.operations.map(({ schema }) => schema.shape.op.value)

test('a step is a union of named steps with the discriminator op', () => {
  for (const suffix of ['', 'Input']) {
    const { oneOf, discriminator } = schemas[`Step${suffix}`] as {
      oneOf: { $ref: string }[]
      discriminator: { propertyName: string; mapping: Record<string, string> }
    }
    expect(discriminator.propertyName).toBe('op')
    expect(Object.keys(discriminator.mapping)).toEqual(names)
    expect(oneOf.map(({ $ref }) => $ref)).toEqual(Object.values(discriminator.mapping))
    for (const [name, ref] of Object.entries(discriminator.mapping)) {
      const { op } = schemas[ref.replace('#/components/schemas/', '')]?.['properties'] as Record<
        string,
        unknown
      >
      expect(op).toMatchObject({ const: name })
    }
  }
})

test('parameters with a default are optional in requests and required in responses', () => {
  expect(schemas['BlurStepInput']?.['required']).toEqual(['op'])
  expect(schemas['BlurStep']?.['required']).toEqual(['op', 'sigma'])
  expect(schemas['CreateTask']?.['required']).toEqual(['image', 'recipe'])
  expect(schemas['CreateTaskForm']?.['required']).toEqual(['file', 'recipe'])
  expect(schemas['Task']?.['required']).toContain('lane')
})

test('no component schema has the keyword default', () => {
  expect(JSON.stringify(schemas)).not.toContain('"default":')
})

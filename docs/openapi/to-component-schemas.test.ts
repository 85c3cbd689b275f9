import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { toComponentSchemas } from './to-component-schemas.ts'

const speed = z.enum(['slow', 'fast'])
const body = z.object({
  speed: speed.default('slow'),
  default: z.string().default('none').meta({ description: 'A name.' }),
})

describe('component schemas', () => {
  test('of requests describe a default instead of declaring it', () => {
    expect(toComponentSchemas({ Body: body, Speed: speed }, 'input')).toEqual({
      Speed: { type: 'string', enum: ['slow', 'fast'] },
      Body: {
        type: 'object',
        properties: {
          speed: { $ref: '#/components/schemas/Speed', description: 'Default: `slow`.' },
          default: { type: 'string', description: 'A name. Default: `none`.' },
        },
      },
    })
  })

  test('of responses require fields with a default', () => {
    const { Body } = toComponentSchemas({ Body: body, Speed: speed }, 'output')
    expect(Body).toEqual({
      type: 'object',
      properties: {
        speed: { $ref: '#/components/schemas/Speed' },
        default: { type: 'string', description: 'A name.' },
      },
      required: ['speed', 'default'],
    })
  })

  test('are closed only if the schema refuses unknown fields', () => {
    const { Open, Closed } = toComponentSchemas({ Open: z.object({}), Closed: z.strictObject({}) }, 'output')
    expect(Open).not.toHaveProperty('additionalProperties')
    expect(Closed).toHaveProperty('additionalProperties', false)
  })

  test('have 64 bits for integers without a maximum, and no pattern for times', () => {
    const { Numbers } = toComponentSchemas(
      {
        Numbers: z.object({
          any: z.int(),
          count: z.int().positive(),
          percent: z.int().max(100),
          at: z.iso.datetime(),
        }),
      },
      'output',
    )
    expect(Numbers['properties']).toEqual({
      any: { type: 'integer', format: 'int64' },
      count: { type: 'integer', format: 'int64', exclusiveMinimum: 0 },
      percent: { type: 'integer', maximum: 100 },
      at: { type: 'string', format: 'date-time' },
    })
  })
})

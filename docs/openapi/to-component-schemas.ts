import { z } from 'zod'
import type { Json } from './ref.ts'

type Direction = 'input' | 'output' | 'parameters'

/**
 * Converts zod schemas to component schemas that refer to each other by name.
 * @param io `output` for responses, where fields with a default are always present; `input` for request bodies, where
 *   they are optional; `parameters` for those of path and query
 */
export function toComponentSchemas<Name extends string>(
  named: Readonly<Record<Name, z.ZodType>>,
  io: Direction,
): Record<Name, Json> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries<z.ZodType>(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    io: io === 'output' ? io : 'input',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      // A later version may add fields to a response; only schemas that refuse unknown fields are closed.
      const { def } = zodSchema._zod
      if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
    },
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, simplify(withoutMeta(schema as Json), io)]),
  ) as Record<Name, Json>
}

/** Removes the dialect and the id: OpenAPI defines the dialect, and the key in `components` is the name. */
function withoutMeta(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !['$schema', '$id', 'id'].includes(key)))
}

/**
 * Writes a schema for code generators:
 *
 * - There is no keyword `default`, except in parameters; a request body has it in the description. openapi-typescript declares every property
 *   with the keyword as required, also in request bodies (openapi-ts/openapi-typescript#2012).
 * - Integers without a maximum of their own are `int64`, because many generators use 32 bits otherwise.
 * - `date-time` has no pattern.
 */
function simplify(schema: Json, io: Direction): Json {
  const written = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, simplifyInside(key, value, io)]),
  )
  const preset = written['default']
  if (io !== 'parameters') delete written['default']
  if (preset !== undefined && io === 'input') written['description'] = describeDefault(written, preset)
  if (written['format'] === 'date-time') delete written['pattern']
  if (written['propertyNames'] !== undefined) describeMap(written)
  // Of an array that the code does not change; in OpenAPI it means that clients must not send it.
  delete written['readOnly']
  if (written['type'] === 'integer') describeInteger(written)
  return written
}

/** The schemas inside the value of a keyword. */
function simplifyInside(key: string, value: unknown, io: Direction): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (['items', 'additionalProperties', 'propertyNames'].includes(key)) return simplify(value as Json, io)
  if (['oneOf', 'anyOf', 'allOf'].includes(key)) return (value as Json[]).map((one) => simplify(one, io))
  if (key !== 'properties') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, simplify(one as Json, io)]))
}

function describeDefault({ description }: Json, preset: unknown): string {
  const sentence = `Default: \`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\`.`
  return typeof description === 'string' ? `${description} ${sentence}` : sentence
}

/** Without what every object with any keys has. */
function describeMap(schema: Json): void {
  if (JSON.stringify(schema['propertyNames']) === '{"type":"string"}') delete schema['propertyNames']
  if (JSON.stringify(schema['additionalProperties']) === '{}') schema['additionalProperties'] = true
}

function describeInteger(schema: Json): void {
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum']
  if (schema['maximum'] !== Number.MAX_SAFE_INTEGER) return
  delete schema['maximum']
  schema['format'] = 'int64'
}

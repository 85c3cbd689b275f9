import { z } from 'zod'

/** A JSON Schema, as far as this code reads it; zod writes the rest. */
export interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly title?: string
  readonly description?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly multipleOf?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly required?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

const known = new WeakMap<z.ZodType, JsonSchema>()

/** What may be sent, as JSON Schema (draft 2020-12). */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const found = known.get(schema)
  if (found !== undefined) return found
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  known.set(schema, made)
  return made
}

/** The part of a schema that a value at this path is held against; of a union, the option that the value means. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema {
  const [key, ...rest] = path
  if (key === undefined) return schema
  const option = optionMeant(schema, value) ?? discriminators(schema, key)
  const inner =
    option.properties?.[String(key)] ??
    option.items ??
    (typeof option.additionalProperties === 'object' ? option.additionalProperties : {})
  return schemaAt(inner, rest, propertyOf(value, key))
}

/** What stands at a path of a value; undefined where nothing does. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(propertyOf, value)
}

function propertyOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined
}

/** The option of a union that a value names by a constant it has; undefined when it names none. What is no union is itself. */
export function optionMeant(schema: JsonSchema, value: unknown): JsonSchema | undefined {
  const options = schema.oneOf ?? schema.anyOf
  if (options === undefined) return schema
  return options.find(({ properties = {} }) =>
    Object.entries(properties).some(
      ([name, one]) => one.const !== undefined && one.const === propertyOf(value, name),
    ),
  )
}

/** Where a value names no option: the constants that it may have under a key. */
function discriminators({ oneOf, anyOf = [] }: JsonSchema, key: PropertyKey): JsonSchema {
  const names = (oneOf ?? anyOf).flatMap(({ properties }) => properties?.[String(key)]?.const ?? [])
  return names.length === 0 ? {} : { properties: { [String(key)]: { enum: names } } }
}

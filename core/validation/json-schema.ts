import { z } from 'zod'

/** The part of JSON Schema that this code reads. */
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
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
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

/** JSON Schema (draft 2020-12) of the input of a zod schema. */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  const found = known.get(schema)
  if (found !== undefined) return found
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  known.set(schema, made)
  return made
}

/** The schema of the value at a path. In a union, the option that matches the value's discriminator. */
export function findSchema(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema {
  const [key, ...rest] = path
  if (key === undefined) return schema
  const option = findOption(schema, value) ?? discriminators(schema, key)
  const inner =
    option.properties?.[String(key)] ??
    option.items ??
    (typeof option.additionalProperties === 'object' ? option.additionalProperties : {})
  return findSchema(inner, rest, propertyOf(value, key))
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(propertyOf, value)
}

function propertyOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined
}

/** The option of a union that matches a constant of the value; undefined if none matches. Other schemas are returned as they are. */
export function findOption(schema: JsonSchema, value: unknown): JsonSchema | undefined {
  const options = schema.oneOf ?? schema.anyOf
  if (options === undefined) return schema
  return options.find(({ properties = {} }) =>
    Object.entries(properties).some(
      ([name, one]) => one.const !== undefined && one.const === propertyOf(value, name),
    ),
  )
}

/** For a value that matches no option: a schema of the constants allowed for the key. */
function discriminators({ oneOf, anyOf = [] }: JsonSchema, key: PropertyKey): JsonSchema {
  const names = (oneOf ?? anyOf).flatMap(({ properties }) => properties?.[String(key)]?.const ?? [])
  return names.length === 0 ? {} : { properties: { [String(key)]: { enum: names } } }
}

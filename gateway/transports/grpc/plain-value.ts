import type { Value } from '@bufbuild/protobuf/wkt'

/**
 * Stands for a `Value` in which no kind is set. It is none of the types that JSON has, so wherever it stands the schemas
 * refuse it, and they name the place.
 */
export const noKind = Symbol('a Value without a kind')

/**
 * A `google.protobuf.Value` as plain data. Unlike `toJson` it accepts numbers that JSON does not have (NaN, Infinity):
 * the schema that checks the data refuses them with the field and the allowed range.
 */
export function plainValue({ kind }: Value): unknown {
  switch (kind.case) {
    case 'nullValue':
      return null
    case 'numberValue':
    case 'stringValue':
    case 'boolValue':
      return kind.value
    case 'listValue':
      return kind.value.values.map(plainValue)
    case 'structValue':
      // `fromEntries` keeps the key "__proto__" as a key, which a parser then refuses like any other unknown one.
      return Object.fromEntries(
        Object.entries(kind.value.fields).map(([key, value]) => [key, plainValue(value)]),
      )
    case undefined:
      return noKind
  }
}

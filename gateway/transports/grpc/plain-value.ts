import type { Value } from '@bufbuild/protobuf/wkt'

/** A `Value` without a kind. The symbol is not a JSON type, so schemas refuse it and name its path. */
export const missingKind = Symbol('Value without a kind')

/**
 * Converts a `google.protobuf.Value` to plain data. Unlike `toJson` it accepts numbers that JSON lacks (NaN, Infinity): the
 * schema then refuses them with the field and the allowed range.
 */
export function plainValue({ kind }: Pick<Value, 'kind'>): unknown {
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
      // `fromEntries` keeps "__proto__" as a key, and the schema refuses it as unknown.
      return Object.fromEntries(
        Object.entries(kind.value.fields).map(([key, value]) => [key, plainValue(value)]),
      )
    case undefined:
      return missingKind
  }
}

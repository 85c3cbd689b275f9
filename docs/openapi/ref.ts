export type Json = Record<string, unknown>

/** A reference to a component schema. */
export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

import type { z } from 'zod'

/** Schemas with a name in the published contract: OpenAPI describes each once and refers to it by this name. */
export const components: ReadonlyMap<string, z.ZodType> = new Map()

/** Gives a schema its name in the contract. @throws Error when another schema has the name. */
export function component<S extends z.ZodType>(name: string, schema: S): S {
  if (components.has(name)) throw new Error(`Two schemas have the name ${name}.`)
  ;(components as Map<string, z.ZodType>).set(name, schema)
  return schema
}

/** What a caller sends for a schema; fields with a default may be left out. */
export type InputOf<S extends z.ZodType> = z.input<S>
/** What a caller gets for a schema. */
export type OutputOf<S extends z.ZodType> = z.output<S>

import type { JsonSchema } from '../validation/json-schema.ts'
import type { Catalogue, RecipeOf } from './create-catalogue.ts'

type Values = Readonly<Record<string, unknown>>
type Parameters = Readonly<Record<string, JsonSchema>>

/** The shortest text form of a recipe; null if it has named outputs, which the text form does not support. */
export function writeText<S extends { op: string }>(
  recipe: RecipeOf<S>,
  catalogue: Catalogue,
): string | null {
  if (recipe.outputs !== undefined) return null
  return recipe.steps.map((step) => writeStep(step, catalogue)).join('/')
}

/** The parameters that the text form accepts without a name, in order. */
export function positionalParameters(name: string, catalogue: Catalogue): string[] {
  const positional = catalogue.get(name)?.positional ?? []
  return positional.flatMap((one) => (typeof one === 'string' ? [one] : one.parameters))
}

/** The usage line of an operation, e.g. `resize:<width>x<height>[:fit][:position][:name=value]`. */
export function formatUsage(name: string, catalogue: Catalogue): string {
  const positional = catalogue.get(name)?.positional ?? []
  const required = catalogue.jsonSchema(name).required ?? []
  const values = positional.map((one) => {
    if (typeof one !== 'string') return `:${one.usage}`
    return required.includes(one) ? `:${one}` : `[:${one}]`
  })
  const inOrder = positionalParameters(name, catalogue)
  const hasMore = Object.keys(catalogue.parameters(name)).length > inOrder.length
  return `${name}${values.join('')}${hasMore ? '[:name=value]' : ''}`
}

function writeStep(step: { op: string }, catalogue: Catalogue): string {
  const values: Values = { ...step }
  const parameters = catalogue.parameters(step.op)
  const given = Object.keys(parameters).filter(
    (name) => values[name] !== undefined && values[name] !== parameters[name]?.default,
  )
  const { texts, written } = writeInOrder(step.op, { values, given, parameters }, catalogue)
  const named = given
    .filter((name) => !written.has(name))
    .map((name) =>
      values[name] === true ? encode(name) : `${encode(name)}=${write(values[name], parameters[name])}`,
    )
  return [encode(step.op), ...texts, ...named].join(':')
}

/** Positional values up to the first gap; later parameters are written with their names. */
function writeInOrder(
  op: string,
  { values, given, parameters }: { values: Values; given: readonly string[]; parameters: Parameters },
  catalogue: Catalogue,
): { texts: string[]; written: ReadonlySet<string> } {
  const texts: string[] = []
  const written = new Set<string>()
  for (const one of catalogue.get(op)?.positional ?? []) {
    const names = typeof one === 'string' ? [one] : one.parameters
    if (!names.some((name) => given.includes(name))) break
    if (typeof one === 'string') {
      texts.push(write(values[one], parameters[one]))
    } else {
      const text = one.write(values)
      if (text === undefined) break
      texts.push(encode(text))
    }
    for (const name of names) written.add(name)
  }
  return { texts, written }
}

function write(value: unknown, schema: JsonSchema | undefined): string {
  const text = String(value)
  return encode(schema?.format === 'color' ? text.replace('#', '') : text)
}

function encode(text: string): string {
  return encodeURIComponent(text)
}

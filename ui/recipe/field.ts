import type { JsonSchema } from '@pixelflow/core/validation/json-schema'

/** The form control of a field. */
export type Control =
  | { readonly kind: 'number'; readonly isInteger: boolean; readonly range?: SliderRange }
  | { readonly kind: 'choice'; readonly options: readonly (string | number)[] }
  | { readonly kind: 'switch' }
  | { readonly kind: 'color' }
  /** `isNumeric`: text that looks like a number is sent as a number (the schema also accepts numbers). */
  | { readonly kind: 'text'; readonly isNumeric: boolean }

/** The range of a slider; `isLogarithmic` where a linear scale would leave too few positions for small values. */
export interface SliderRange {
  readonly min: number
  readonly max: number
  readonly step: number
  readonly isLogarithmic: boolean
}

/** One parameter of an operation, with all that is needed to render and validate it. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly hint: string | undefined
  readonly isRequired: boolean
  /** The default of the server. */
  readonly defaultValue: unknown
  readonly control: Control
  readonly schema: JsonSchema
}

/** The fields of a published operation schema in its order, without the constant that names the operation. */
export function toFields(schema: JsonSchema): Field[] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {})
    .filter(([, property]) => property.const === undefined)
    .map(([name, property]) => ({
      name,
      label: property.title ?? toLabel(name),
      hint: property.description,
      isRequired: required.has(name) && property.default === undefined,
      defaultValue: property.default,
      control: chooseControl(property),
      schema: property,
    }))
}

/** The alternatives of a schema; a value must match one. */
export function listAlternatives(schema: JsonSchema): readonly JsonSchema[] {
  const several = schema.anyOf ?? schema.oneOf
  return several === undefined ? [schema] : several.flatMap(listAlternatives)
}

function chooseControl(schema: JsonSchema): Control {
  const types = listAlternatives(schema).filter((one) => one.type !== 'null')
  const options = types.flatMap(listConstants)
  if (types.every((one) => listConstants(one).length > 0)) return { kind: 'choice', options }
  const [only, second] = types
  if (only !== undefined && second === undefined) {
    if (only.type === 'boolean') return { kind: 'switch' }
    if (only.type === 'number' || only.type === 'integer') return createNumberControl(only)
    if (isColor(only)) return { kind: 'color' }
  }
  return { kind: 'text', isNumeric: types.some((one) => one.type === 'number' || one.type === 'integer') }
}

function listConstants(schema: JsonSchema): (string | number)[] {
  const all = schema.const === undefined ? (schema.enum ?? []) : [schema.const]
  return all.filter((one) => typeof one === 'string' || typeof one === 'number')
}

function createNumberControl(schema: JsonSchema): Control {
  const isInteger = schema.type === 'integer'
  const min = readMinimum(schema)
  const max = readMaximum(schema)
  if (min === undefined || max === undefined || max <= min) return { kind: 'number', isInteger }
  // A positive range is a factor or a size: on its logarithmic scale, equal distances are equal ratios.
  const isLogarithmic = min >= 0 && (max - min > 2000 || (!isInteger && min > 0 && max / min > 20))
  const step =
    schema.multipleOf ?? (isInteger ? 1 : chooseStep(isLogarithmic && min > 0 ? min * 100 : max - min))
  return { kind: 'number', isInteger, range: { min, max, step, isLogarithmic } }
}

/** The lower bound; undefined without one (the limits of safe integers do not count). */
function readMinimum(schema: JsonSchema): number | undefined {
  const bound = schema.minimum ?? schema.exclusiveMinimum
  return bound === undefined || bound <= Number.MIN_SAFE_INTEGER ? undefined : bound
}

function readMaximum(schema: JsonSchema): number | undefined {
  const bound = schema.maximum ?? schema.exclusiveMaximum
  return bound === undefined || bound >= Number.MAX_SAFE_INTEGER ? undefined : bound
}

/** A round step that divides a range into about a hundred parts: 0.1, 0.01, 1 … */
function chooseStep(span: number): number {
  return Math.min(1, 10 ** Math.floor(Math.log10(span / 100)))
}

function isColor(schema: JsonSchema): boolean {
  return schema.type === 'string' && schema.format === 'color'
}

/** `minWidth` and `min_width` → `Min width`. */
function toLabel(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The values of a step without those that equal the default. */
export function omitDefaults(values: object, fields: readonly Field[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => {
      const field = fields.find((one) => one.name === name)
      return value !== undefined && (field?.defaultValue === undefined || field.defaultValue !== value)
    }),
  )
}

import type { Positional } from '../operations/operation.ts'
import { formatValue } from '../validation/format-value.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import type { Catalogue } from './create-catalogue.ts'
import { invalidRecipe, formatStep, unknownParameterFault } from './recipe-fault.ts'
import { usageOf } from './write-text.ts'

/** Characters that a recipe in text form may have; far more than any recipe needs. */
const maxTextLength = 8192

/** A step while its values are being read. */
interface Reading {
  readonly name: string
  /** For people, e.g. `step 2 (blur)`. */
  readonly where: string
  /** For programs, e.g. `steps[1]`. */
  readonly field: string
  readonly path: readonly (string | number)[]
  readonly parameters: Readonly<Record<string, JsonSchema>>
  readonly known: readonly string[]
  readonly positional: readonly Positional[]
  readonly usage: string
  readonly step: Record<string, unknown>
}

/**
 * The short text form: steps parted by `/`, a step's values by `:`. Values without a name come in the operation's
 * declared order, then `name=value`; a bare name switches a boolean on. `/ : = %` in a value are percent-encoded.
 * What comes out is still to be checked against the recipe schema.
 * @throws Fault `invalid_recipe`
 */
export function readText(text: string, catalogue: Catalogue): { steps: Record<string, unknown>[] } {
  if (text.length > maxTextLength) {
    throw invalidRecipe(
      `the recipe is ${text.length} characters long.`,
      '',
      `Use at most ${maxTextLength} characters.`,
    )
  }
  const trimmed = text.trim()
  if (trimmed === '') return { steps: [] }
  return { steps: trimmed.split('/').map((part, index) => readStep(part, index, catalogue)) }
}

function readStep(part: string, index: number, catalogue: Catalogue): Record<string, unknown> {
  const path = ['steps', index]
  const field = `steps[${index}]`
  if (part.trim() === '') {
    const remedy = 'Write one operation between two slashes, and no slash at the ends.'
    throw invalidRecipe(`${formatStep(path)} is empty.`, field, remedy)
  }
  const [head = '', ...values] = part.split(':')
  const name = decode(head, field)
  const operation = catalogue.get(name)
  // The schema says best what is wrong with an unknown name.
  if (operation === undefined) return { op: name }

  const parameters = catalogue.parameters(name)
  const reading: Reading = {
    name,
    where: `${formatStep(path)} (${name})`,
    field,
    path,
    parameters,
    known: Object.keys(parameters),
    positional: operation.positional,
    usage: usageOf(name, catalogue),
    step: { op: name },
  }
  let place = 0
  for (const value of values) {
    if (readNamed(value, reading) || readSwitch(value, reading)) continue
    readInOrder(value, place, reading)
    place += 1
  }
  return reading.step
}

/** `sigma=3` */
function readNamed(value: string, reading: Reading): boolean {
  const equals = value.indexOf('=')
  if (equals === -1) return false
  const { where, path, name, known, field } = reading
  const parameter = decode(value.slice(0, equals), field)
  if (!known.includes(parameter))
    throw unknownParameterFault({ where, stepPath: path, name, wrong: parameter, known })
  set(reading, parameter, decode(value.slice(equals + 1), `${field}.${parameter}`))
  return true
}

/** `lossless` */
function readSwitch(value: string, reading: Reading): boolean {
  const parameter = decode(value, reading.field)
  if (!reading.known.includes(parameter) || reading.parameters[parameter]?.type !== 'boolean') return false
  set(reading, parameter, 'true')
  return true
}

/** `800x600`, `cover` */
function readInOrder(value: string, place: number, reading: Reading): void {
  const { where, field, positional, usage } = reading
  const text = decode(value, field)
  const one = positional[place]
  if (one === undefined)
    throw invalidRecipe(`${where}: ${formatValue(text)} is one value too many.`, field, `Write ${usage}.`)
  if (text === '') return
  if (typeof one === 'string') {
    set(reading, one, text)
    return
  }
  const read = one.read(text)
  if (read === undefined) {
    throw invalidRecipe(
      `${where}: ${formatValue(text)} is not of the form ${one.usage}.`,
      field,
      `Write ${usage}.`,
    )
  }
  for (const [parameter, part] of Object.entries(read)) set(reading, parameter, part)
}

function set({ step, parameters, where, field }: Reading, parameter: string, text: string): void {
  if (Object.hasOwn(step, parameter)) {
    throw invalidRecipe(
      `${where}: ${parameter} is given twice.`,
      `${field}.${parameter}`,
      `Give ${parameter} once.`,
    )
  }
  step[parameter] = coerce(text, parameters[parameter]?.type)
}

/** Text becomes what its parameter wants where it can; where it cannot, the schema says so. */
function coerce(text: string, type: string | undefined): unknown {
  const isNumeric = type === 'number' || type === 'integer'
  if (isNumeric && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function decode(text: string, field: string): string {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    throw invalidRecipe(
      `${formatValue(text)} is not percent-encoded properly.`,
      field,
      'Write a percent sign itself as %25.',
    )
  }
}

import { Fault } from '../fault.ts'
import type { Positional } from './operation.ts'
import { formatValue } from '../validation/format-value.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import type { Catalogue } from './create-catalogue.ts'
import { invalidRecipe, formatStep, unknownParameterFault } from './recipe-fault.ts'
import { formatUsage } from './write-text.ts'

/** Longest recipe in text form, in characters. */
const maxTextLength = 8192

type Step = Record<string, unknown>

export interface TextSteps {
  readonly steps: Step[]
  /** The first mistake of the text form itself. */
  readonly fault?: Fault
}

/** The state of reading one step. */
interface Reading {
  readonly name: string
  /** The step in error messages, e.g. `step 2 (blur)`. */
  readonly where: string
  /** The field of the step, e.g. `steps[1]`. */
  readonly field: string
  readonly path: readonly (string | number)[]
  readonly parameters: Readonly<Record<string, JsonSchema>>
  readonly known: readonly string[]
  readonly positional: readonly Positional[]
  readonly usage: string
  readonly step: Step
}

/**
 * Reads the short text form: `/` separates steps, `:` separates the values of a step. Values without a name come first,
 * in the operation's declared order, then `name=value`; the bare name of a boolean sets it to true. `/ : = %` in a value
 * are percent-encoded. The result is not validated yet; the recipe schema does that.
 * @returns the steps, or, with a `fault` of the text, the steps and values before it
 */
export function readText(text: string, catalogue: Catalogue): TextSteps {
  const steps: Step[] = []
  if (text.length > maxTextLength) {
    const remedy = `Use at most ${maxTextLength} characters, or send the recipe as JSON.`
    return { steps, fault: invalidRecipe(`the recipe text has ${text.length} characters.`, '', remedy) }
  }
  const trimmed = text.trim()
  if (trimmed === '') return { steps }
  try {
    for (const part of trimmed.split('/')) readStep(part, steps, catalogue)
    return { steps }
  } catch (thrown) {
    if (thrown instanceof Fault) return { steps, fault: thrown }
    throw thrown
  }
}

/** Appends a step, then reads its values. @throws Fault `invalid_recipe` */
function readStep(part: string, steps: Step[], catalogue: Catalogue): void {
  const index = steps.length
  const path = ['steps', index]
  const field = `steps[${index}]`
  if (part.trim() === '') {
    const remedy = 'Write an operation between the slashes, or remove the extra slash.'
    throw invalidRecipe(`${formatStep(path)} is empty.`, field, remedy)
  }
  const [head = '', ...values] = part.split(':')
  const name = decode(head, field)
  const operation = catalogue.get(name)
  // The schema reports an unknown name, with suggestions.
  const step: Step = { op: name }
  steps.push(step)
  if (operation === undefined) return

  const parameters = catalogue.parameters(name)
  const reading: Reading = {
    name,
    where: `${formatStep(path)} (${name})`,
    field,
    path,
    parameters,
    known: Object.keys(parameters),
    positional: operation.positional,
    usage: formatUsage(name, catalogue),
    step,
  }
  let position = 0
  for (const value of values) {
    if (readNamed(value, reading) || readSwitch(value, reading)) continue
    readPositional(value, position, reading)
    position += 1
  }
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
function readPositional(value: string, position: number, reading: Reading): void {
  const { where, field, positional, usage } = reading
  const text = decode(value, field)
  const one = positional[position]
  if (one === undefined)
    throw invalidRecipe(`${where}: unexpected value ${formatValue(text)}.`, field, `Use the form ${usage}.`)
  if (text === '') return
  if (typeof one === 'string') {
    set(reading, one, text)
    return
  }
  const read = one.read(text)
  if (read === undefined) {
    throw invalidRecipe(
      `${where}: ${formatValue(text)} does not have the form ${one.usage}.`,
      field,
      `Use the form ${usage}.`,
    )
  }
  for (const [parameter, part] of Object.entries(read)) set(reading, parameter, part)
}

function set({ step, parameters, where, field }: Reading, parameter: string, text: string): void {
  if (Object.hasOwn(step, parameter)) {
    throw invalidRecipe(
      `${where}: ${parameter} is set twice.`,
      `${field}.${parameter}`,
      `Set ${parameter} once.`,
    )
  }
  step[parameter] = coerce(text, parameters[parameter]?.type)
}

/** Converts text to the type of its parameter. Text that does not convert is left for the schema to report. */
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
      `${formatValue(text)} is not valid percent-encoding.`,
      field,
      'Write a literal percent sign as %25.',
    )
  }
}

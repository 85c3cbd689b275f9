import type { z } from 'zod'
import { Fault } from '../fault.ts'
import { describeAllowed } from '../validation/describe-allowed.ts'
import { formatField } from '../validation/format-field.ts'
import { formatValue } from '../validation/format-value.ts'
import { valueAt } from '../validation/json-schema.ts'
import type { Catalogue } from './create-catalogue.ts'
import { nearestWord } from '../validation/nearest-word.ts'

type Issue = z.core.$ZodIssue

/** Says what is wrong with a recipe in words that name the step, the parameter, its range and the remedy. */
export function recipeFault(issue: Issue, input: unknown, catalogue: Catalogue): Fault {
  const stepDepth =
    issue.path.findLastIndex((part, i) => typeof part === 'number' && issue.path[i - 1] === 'steps') + 1
  if (stepDepth === 0) return explainShape(issue, input)

  const stepPath = issue.path.slice(0, stepDepth)
  const step = valueAt(input, stepPath)
  const name = fields(step)['op']
  const operation = typeof name === 'string' ? catalogue.get(name) : undefined
  if (typeof name !== 'string' || operation === undefined)
    return unknownOperation(stepPath, step, name, catalogue)

  const where = `${formatStep(stepPath)} (${name})`
  const parameters = catalogue.parameters(name)
  if (issue.code === 'unrecognized_keys') {
    return unknownParameterFault({
      where,
      stepPath,
      name,
      wrong: issue.keys[0] ?? '',
      known: Object.keys(parameters),
    })
  }
  const path = issue.path
  const field = formatField(path)
  if (issue.code === 'custom') {
    return invalidRecipe(`${where}: ${issue.message}.`, field, remedyOf(issue))
  }
  const parameter = String(path[stepDepth] ?? '')
  const range = describeAllowed(parameters[parameter] ?? {})
  const value = valueAt(input, path)
  const remedy = `Give ${parameter} ${range}.`
  if (value === undefined) return invalidRecipe(`${where}: ${parameter} is missing.`, field, remedy)
  return invalidRecipe(`${where}: ${parameter} must be ${range}, not ${formatValue(value)}.`, field, remedy)
}

/** Names the field and the remedy of something wrong with a recipe. */
export function invalidRecipe(detail: string, field: string, remedy: string): Fault {
  return new Fault('invalid_recipe', capital(detail), { ...(field === '' ? {} : { field }), remedy })
}

/** `Step 2`, or `Step 2 of output thumb`. People count from one; the field beside it counts as JSON does. */
export function formatStep(stepPath: readonly PropertyKey[]): string {
  const number = `step ${Number(stepPath.at(-1)) + 1}`
  return stepPath[0] === 'outputs' ? `${number} of output ${String(stepPath[1])}` : number
}

function explainShape(issue: Issue, input: unknown): Fault {
  const field = formatField(issue.path)
  const form = 'Send {"steps": [{"op": "resize", "width": 800}]} or the text resize:800.'
  if (issue.code === 'custom') return invalidRecipe(`${issue.message}.`, field, remedyOf(issue))
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const known = issue.path.length === 0 ? 'steps and outputs' : 'steps'
    const place = issue.path.length === 0 ? 'a recipe' : `output ${String(issue.path.at(-1))}`
    const whole = formatField([...issue.path, key])
    return invalidRecipe(
      `${place} has no field ${formatValue(key)}; it knows ${known}.`,
      whole,
      `Leave ${key.slice(0, 40)} out.`,
    )
  }
  if (issue.code === 'invalid_key') {
    const name = String(issue.path.at(-1))
    const remedy = 'Use 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit.'
    return invalidRecipe(`${formatValue(name)} cannot be the name of an output.`, field, remedy)
  }
  if (issue.code === 'too_big') {
    return invalidRecipe(
      `the list ${field} holds more than ${String(issue.maximum)} steps.`,
      field,
      'Use fewer steps.',
    )
  }
  if (issue.path.length === 0)
    return invalidRecipe(`a recipe is an object or text, not ${formatValue(input)}.`, '', form)
  const value = valueAt(input, issue.path)
  const wanted = issue.path.at(-1) === 'steps' ? 'a list of steps' : 'an object'
  const problem = value === undefined ? 'is missing' : `must be ${wanted}, not ${formatValue(value)}`
  return invalidRecipe(`the field ${field} ${problem}.`, field, form)
}

function unknownOperation(
  stepPath: readonly PropertyKey[],
  step: unknown,
  name: unknown,
  catalogue: Catalogue,
): Fault {
  const where = formatStep(stepPath)
  const list = `Known operations: ${catalogue.names.join(', ')}.`
  if (typeof step !== 'object' || step === null || Array.isArray(step)) {
    return invalidRecipe(
      `${where} must be an object with op, not ${formatValue(step)}.`,
      formatField(stepPath),
      list,
    )
  }
  const field = formatField([...stepPath, 'op'])
  if (name === undefined) return invalidRecipe(`${where} names no operation in op.`, field, list)
  const near = typeof name === 'string' ? nearestWord(name, catalogue.names) : undefined
  const hint = near === undefined ? '' : `Did you mean ${near}? `
  return invalidRecipe(`${where}: there is no operation ${formatValue(name)}.`, field, hint + list)
}

/** A parameter, or a name=value of the text form, that the operation does not have. */
export function unknownParameterFault(at: {
  where: string
  stepPath: readonly PropertyKey[]
  name: string
  wrong: string
  known: readonly string[]
}): Fault {
  const near = nearestWord(at.wrong, at.known)
  const hint = near === undefined ? '' : `Did you mean ${near}? `
  const list = at.known.length === 0 ? `${at.name} takes no parameters.` : `It knows: ${at.known.join(', ')}.`
  return invalidRecipe(
    `${at.where}: there is no parameter ${formatValue(at.wrong)}.`,
    formatField([...at.stepPath, at.wrong.slice(0, 40)]),
    hint + list,
  )
}

function remedyOf(issue: Extract<Issue, { code: 'custom' }>): string {
  const remedy = issue.params?.['remedy']
  return typeof remedy === 'string' ? remedy : 'Change the recipe accordingly.'
}

function fields(value: unknown): Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>) : {}
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

import type { z } from 'zod'
import { Fault } from '../fault.ts'
import { describeAllowed } from '../validation/describe-allowed.ts'
import { formatField } from '../validation/format-field.ts'
import { formatValue } from '../validation/format-value.ts'
import { valueAt } from '../validation/json-schema.ts'
import type { Catalogue } from './create-catalogue.ts'
import { findNearestWord } from '../validation/find-nearest-word.ts'

type Issue = z.core.$ZodIssue

/** Converts a schema issue into a fault that names the step, the parameter, the allowed range and the remedy. */
export function recipeFault(issue: Issue, input: unknown, catalogue: Catalogue): Fault {
  const stepDepth =
    issue.path.findLastIndex((part, i) => typeof part === 'number' && issue.path[i - 1] === 'steps') + 1
  if (stepDepth === 0) return shapeFault(issue, input)

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
  const remedy = `Set ${parameter} to ${range}.`
  if (value === undefined) return invalidRecipe(`${where}: ${parameter} is missing.`, field, remedy)
  return invalidRecipe(`${where}: ${parameter} must be ${range}, got ${formatValue(value)}.`, field, remedy)
}

/** A fault of code `invalid_recipe`. The detail may begin in lower case; an empty field means the whole recipe. */
export function invalidRecipe(detail: string, field: string, remedy: string): Fault {
  return new Fault('invalid_recipe', capital(detail), { ...(field === '' ? {} : { field }), remedy })
}

/** `step 2`, or `step 2 of output thumb`. Counts from one; the field of the fault counts from zero, as JSON does. */
export function formatStep(stepPath: readonly PropertyKey[]): string {
  const number = `step ${Number(stepPath.at(-1)) + 1}`
  return stepPath[0] === 'outputs' ? `${number} of output ${String(stepPath[1])}` : number
}

function shapeFault(issue: Issue, input: unknown): Fault {
  const field = formatField(issue.path)
  const form = 'Send {"steps": [{"op": "resize", "width": 800}]} or the text resize:800.'
  if (issue.code === 'custom') return invalidRecipe(`${issue.message}.`, field, remedyOf(issue))
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const known = issue.path.length === 0 ? ['steps', 'outputs'] : ['steps']
    const owner = issue.path.length === 0 ? 'the recipe' : `output ${String(issue.path.at(-1))}`
    return invalidRecipe(
      `unknown field ${formatValue(key)} in ${owner}.`,
      formatField([...issue.path, key]),
      `${suggestion(key, known)}Known fields: ${known.join(', ')}.`,
    )
  }
  if (issue.code === 'invalid_key') {
    const name = String(issue.path.at(-1))
    const remedy = 'Use 1 to 64 characters of a-z, 0-9, _ and -, starting with a letter or a digit.'
    return invalidRecipe(`${formatValue(name)} is not a valid output name.`, field, remedy)
  }
  if (issue.code === 'too_big') {
    return invalidRecipe(
      `the list ${field} has more than ${String(issue.maximum)} steps.`,
      field,
      `Use at most ${String(issue.maximum)} steps.`,
    )
  }
  if (issue.path.length === 0)
    return invalidRecipe(`a recipe must be an object or text, got ${formatValue(input)}.`, '', form)
  const value = valueAt(input, issue.path)
  if (value === undefined) return missingSteps(issue.path, input, form)
  const wanted = issue.path.at(-1) === 'steps' ? 'a list of steps' : 'an object'
  return invalidRecipe(`the field ${field} must be ${wanted}, got ${formatValue(value)}.`, field, form)
}

/** The remedy for a missing field; following it keeps the rest of the recipe. */
function missingSteps(path: readonly PropertyKey[], input: unknown, form: string): Fault {
  const field = formatField(path)
  const [, output] = path
  const remedy =
    output !== undefined
      ? `Add "steps" to output ${String(output)}, or "steps": [] for the shared steps alone.`
      : Object.hasOwn(fields(input), 'outputs')
        ? 'Add "steps": [] beside "outputs"; steps in this list apply to every output.'
        : form
  return invalidRecipe(`the field ${field} is missing.`, field, remedy)
}

function unknownOperation(
  stepPath: readonly PropertyKey[],
  step: unknown,
  name: unknown,
  catalogue: Catalogue,
): Fault {
  const where = formatStep(stepPath)
  const list = `Available operations: ${catalogue.names.join(', ')}.`
  if (typeof step !== 'object' || step === null || Array.isArray(step)) {
    return invalidRecipe(
      `${where} must be an object with the field op, got ${formatValue(step)}.`,
      formatField(stepPath),
      list,
    )
  }
  const field = formatField([...stepPath, 'op'])
  const typo = Object.keys(step).find((key) => findNearestWord(key, ['op']) !== undefined)
  if (name === undefined && typo !== undefined)
    return invalidRecipe(
      `${where}: unknown field ${formatValue(typo)}.`,
      formatField([...stepPath, typo]),
      `Did you mean op? ${list}`,
    )
  if (name === undefined)
    return invalidRecipe(`${where} has no op.`, field, `Set op to an operation. ${list}`)
  const hint = typeof name === 'string' ? suggestion(name, catalogue.names) : ''
  return invalidRecipe(`${where}: unknown operation ${formatValue(name)}.`, field, hint + list)
}

/** For a parameter, or a `name=value` of the text form, that the operation does not have. */
export function unknownParameterFault(at: {
  where: string
  stepPath: readonly PropertyKey[]
  name: string
  wrong: string
  known: readonly string[]
}): Fault {
  const remedy =
    at.known.length === 0
      ? `Remove it: ${at.name} has no parameters.`
      : `${suggestion(at.wrong, at.known)}Parameters of ${at.name}: ${at.known.join(', ')}.`
  return invalidRecipe(
    `${at.where}: unknown parameter ${formatValue(at.wrong)}.`,
    formatField([...at.stepPath, at.wrong.slice(0, 40)]),
    remedy,
  )
}

/** `Did you mean blur? `, or nothing when no known word is similar. */
function suggestion(word: string, known: readonly string[]): string {
  const near = findNearestWord(word, known)
  return near === undefined ? '' : `Did you mean ${near}? `
}

function remedyOf(issue: Extract<Issue, { code: 'custom' }>): string {
  const remedy = issue.params?.['remedy']
  return typeof remedy === 'string' ? remedy : 'Correct the recipe.'
}

function fields(value: unknown): Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>) : {}
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

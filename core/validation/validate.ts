import type { z } from 'zod'
import { Fault } from '../fault.ts'
import { findNearestWord } from './find-nearest-word.ts'
import { describeAllowed } from './describe-allowed.ts'
import { findFirstIssue } from './find-first-issue.ts'
import { formatField } from './format-field.ts'
import { formatValue } from './format-value.ts'
import { toJsonSchema, findOption, findSchema, valueAt, type JsonSchema } from './json-schema.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

export interface ValidationContext {
  /** The value in error messages, e.g. `the query`. */
  readonly whole: string
  /** The field as the caller writes it. Default: a JSON path such as `preview.maxPixels`. */
  readonly nameField?: (path: Path) => string
}

/**
 * Validates a value against its schema and converts the first issue into a fault. Recipes have their own conversion, which
 * names steps (`recipe/recipe-fault.ts`). Messages of zod never reach a caller: own checks (`refine`, `custom`) set
 * `error` and `params.remedy`, and regular expressions are declared with `describedPattern`.
 * @throws Fault `invalid_request` naming the field, its value, and what is allowed.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  context: ValidationContext,
): z.output<S> {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const issue = findFirstIssue(error.issues, value)
  if (issue === undefined) throw error
  throw describeIssue(innermost(issue), value, toJsonSchema(schema), context)
}

function describeIssue(issue: Issue, value: unknown, schema: JsonSchema, context: ValidationContext): Fault {
  const { whole, nameField = formatField } = context
  const { path } = issue
  const sent = valueAt(value, path)
  const allowed = describeAllowed(findSchema(schema, path, value))
  const field = nameField(path)
  const name = field === '' ? capital(whole) : `"${field}" in ${whole}`

  if (issue.code === 'unrecognized_keys') {
    const object = findOption(findSchema(schema, path, value), sent) ?? {}
    const key = (issue.keys[0] ?? '').slice(0, 80)
    return unknownField(nameField([...path, key]), key, object, context)
  }
  if (issue.code === 'invalid_key') {
    const parent = path.slice(0, -1)
    const names = describeAllowed(findSchema(schema, parent, value).propertyNames ?? {})
    const detail = `A key of "${nameField(parent)}" must be ${names}, got ${formatValue(String(path.at(-1)))}.`
    return invalid(detail, nameField(parent), `Use ${names}.`)
  }
  if (issue.code === 'custom') {
    const remedy = issue.params?.['remedy']
    return invalid(
      `${capital(issue.message)}.`,
      field,
      typeof remedy === 'string' ? remedy : `Set ${field} to a valid value.`,
    )
  }
  if (sent === undefined && path.length > 0) {
    return invalid(`${name} is missing.`, field, `Set ${field} to ${allowed}.`)
  }
  const near = nearestTo(sent, findSchema(schema, path, value))
  const remedy = field === '' ? `Send ${allowed}.` : `Set ${field} to ${allowed}.`
  return invalid(`${name} must be ${allowed}, got ${formatValue(sent)}.`, field, near + remedy)
}

/** The issue inside the only option of a union that matches the value's shape; otherwise the issue itself. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const within = issue.errors.flatMap(([first]) =>
    first !== undefined && (first.path.length > 0 || first.code === 'unrecognized_keys') ? [first] : [],
  )
  const [only] = within
  if (only === undefined || within.length > 1) return issue
  return innermost({ ...only, path: [...issue.path, ...only.path] })
}

function unknownField(
  field: string,
  key: string,
  { properties = {} }: JsonSchema,
  { whole }: ValidationContext,
): Fault {
  const known = Object.keys(properties)
  const near = findNearestWord(key, known)
  const hint = near === undefined ? '' : `Did you mean ${near}? `
  const remedy = known.length === 0 ? 'Remove it.' : `Known fields: ${known.join(', ')}.`
  return invalid(`Unknown field "${field}" in ${whole}.`, field, hint + remedy)
}

function nearestTo(sent: unknown, schema: JsonSchema): string {
  const near =
    typeof sent === 'string' && schema.enum !== undefined
      ? findNearestWord(sent, schema.enum.map(String))
      : undefined
  return near === undefined ? '' : `Did you mean ${near}? `
}

function invalid(detail: string, field: string, remedy: string): Fault {
  return new Fault('invalid_request', detail, { ...(field === '' ? {} : { field }), remedy })
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

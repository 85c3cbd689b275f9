import { Fault } from '@pixelflow/core/fault'
import type { z } from 'zod'

/** A value as its schema has it. @throws Fault `invalid_request` naming the field and what is wrong with it. */
export function checked<S extends z.ZodType>(schema: S, value: unknown, whole: string): z.infer<S> {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const field = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.')
  const problem = issue === undefined ? 'is not valid' : problemOf(issue, unknown, isMissing(value, field))
  throw new Fault('invalid_request', `${field === '' ? whole : `"${field}" in ${whole}`} ${problem}.`, {
    ...(field === '' ? {} : { field }),
    remedy: 'The interface is described at /docs.',
  })
}

function problemOf(
  { code, message }: z.core.$ZodIssue,
  unknown: string | undefined,
  missing: boolean,
): string {
  if (unknown !== undefined) return 'is not known here'
  if (missing) return 'is missing'
  if (code === 'invalid_union') return 'is of a wrong type'
  return `is not valid: ${message.replace(/^Invalid \w+: /, '')}`
}

function isMissing(value: unknown, field: string): boolean {
  return field !== '' && typeof value === 'object' && value !== null && !(field in value)
}

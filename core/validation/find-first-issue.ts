import type { z } from 'zod'
import { valueAt } from './json-schema.ts'

type Issue = z.core.$ZodIssue

/**
 * The issue to report. An unknown field comes before a missing one of the same object, because it is often that field,
 * misspelt.
 */
export function findFirstIssue(issues: readonly Issue[], value: unknown): Issue | undefined {
  const [first] = issues
  if (first === undefined || first.path.length === 0 || valueAt(value, first.path) !== undefined) return first
  const parent = first.path.slice(0, -1)
  const unknown = issues.find(
    ({ code, path }) =>
      code === 'unrecognized_keys' &&
      path.length === parent.length &&
      path.every((part, i) => part === parent[i]),
  )
  return unknown ?? first
}

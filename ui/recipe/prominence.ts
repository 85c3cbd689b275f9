import type { DraftStep } from './draft.ts'
import type { Field } from './field.ts'

/**
 * The fields of a step that are shown initially; the others are folded under "More".
 *
 * Shown are required fields, changed fields, and the positional parameters of the short text form (`usage`:
 * `blur[:sigma]`) that have no default. The first positional parameter is shown even with a default, because it is the
 * main parameter of the operation.
 */
export function prominentFields(
  fields: readonly Field[],
  values: DraftStep['values'],
  usage: string,
): ReadonlySet<string> {
  const unnamed = wordsOf(usage).filter((word) => fields.some((field) => field.name === word))
  const shows = ({ name, required, fallback }: Field) => {
    const value = values[name]
    if (required || (value !== undefined && value !== fallback)) return true
    return unnamed.includes(name) && (fallback === undefined || name === unnamed[0])
  }
  return new Set(fields.filter(shows).map((field) => field.name))
}

/** `resize:<width>x<height>[:fit]` → width, x, height, fit */
function wordsOf(usage: string): string[] {
  return usage.split(/[^A-Za-z0-9_]+/).slice(1)
}

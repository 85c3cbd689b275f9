import type { DraftStep } from './draft.ts'
import type { Field } from './field.ts'

/**
 * The fields of a step that show at once; the rest is folded away under "More".
 *
 * What must be said shows, what was changed shows, and so does what people usually say: the parameters that the short
 * text form takes without their names (`usage`: `blur[:sigma]`), as long as they have no default that suits most. The
 * very first of those shows even with a default: it is what the operation is about.
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

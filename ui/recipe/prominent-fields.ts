import type { DraftStep } from './draft.ts'
import type { Field } from './field.ts'

/**
 * The fields of a step that are shown initially; the others are folded under "More".
 *
 * Shown are required fields, changed fields, and the parameters that the short text form accepts without a name
 * (`positional`) if they have no default. The first of these is shown even with a default, because it is the main
 * parameter of the operation.
 */
export function selectProminentFields(
  fields: readonly Field[],
  values: DraftStep['values'],
  positional: readonly string[],
): ReadonlySet<string> {
  const isProminent = ({ name, isRequired, defaultValue }: Field) => {
    const value = values[name]
    if (isRequired || (value !== undefined && value !== defaultValue)) return true
    return positional.includes(name) && (defaultValue === undefined || name === positional[0])
  }
  return new Set(fields.filter(isProminent).map((field) => field.name))
}

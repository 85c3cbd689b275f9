/**
 * Inputs of a call that each protocol names differently. A use case that reports a fault of one of them gives this name,
 * and each transport has a table of its own names, which the compiler checks for completeness. The `@` tells the names from
 * fields that callers send.
 */
export type RequestField =
  | '@authorization'
  | '@fetch_site'
  | '@host'
  | '@idempotency_key'
  | '@media_type'
  | '@origin'
  | '@position'
  | '@sha256'

/** The name that a protocol has for a field of a fault. Fields that are no `RequestField` have one name everywhere. */
export function translateField(field: string, names: Readonly<Record<RequestField, string>>): string {
  return Object.hasOwn(names, field) ? names[field as RequestField] : field
}

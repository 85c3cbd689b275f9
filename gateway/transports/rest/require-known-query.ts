import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import type { JsonSchema } from '@pixelflow/core/validation/json-schema'

/** The query of a request; empty when it has none. */
export function queryOf({ url }: Request): URLSearchParams {
  const begin = url.indexOf('?')
  return new URLSearchParams(begin < 0 ? '' : url.slice(begin + 1))
}

/**
 * Refuses query parameters that a call does not have, that are repeated, or whose value is outside of their enum.
 * @throws Fault `invalid_request` naming the parameter.
 */
export function requireKnownQuery(query: URLSearchParams, known: Readonly<Record<string, JsonSchema>>): void {
  const seen = new Set<string>()
  for (const [name, value] of query) {
    const field = shorten(name)
    const parameter = Object.hasOwn(known, name) ? known[name] : undefined
    if (!parameter) {
      const names = Object.keys(known).join(', ')
      throw new Fault('invalid_request', `The query parameter "${field}" is unknown.`, {
        field,
        remedy:
          names === ''
            ? 'Leave the parameter out: this call has no query parameters.'
            : `Leave the parameter out: the query parameters of this call are ${names}.`,
      })
    }
    if (seen.has(name)) {
      throw new Fault('invalid_request', `The query parameter "${field}" is repeated.`, {
        field,
        remedy: 'Send the parameter once.',
      })
    }
    seen.add(name)
    const allowed = parameter.enum?.map(String)
    if (allowed && !allowed.includes(value)) {
      throw new Fault('invalid_request', `${name} must be ${joinWithOr(allowed)}, got "${shorten(value)}".`, {
        field,
        remedy: 'Send one of these values, or leave the parameter out.',
      })
    }
  }
}

function joinWithOr(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

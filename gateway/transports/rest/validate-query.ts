import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import { Elysia } from 'elysia'
import { openapiPaths } from './openapi/openapi-document.ts'
import type { Json } from './openapi/schemas.ts'

/** A query parameter of the OpenAPI document. */
interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: { readonly enum?: readonly string[] }
}

/**
 * Refuses query parameters that the OpenAPI document does not have, that are repeated, or whose value is outside the
 * enum of the document. `openapi-document.test.ts` ensures that every path of the API is documented, so a new route cannot
 * miss this check. gRPC-Web and Connect have their own rules.
 */
export function validateQuery() {
  const calls = queriesOf(openapiPaths)
  return new Elysia({ name: 'documented-query' }).onBeforeHandle({ as: 'global' }, ({ request, route }) => {
    // Most requests have no query.
    if (!request.url.includes('?')) return
    const item = calls.get(templateOf(route))
    if (item) requireKnown(queryOf(request), item.get(request.method) ?? item.get('GET') ?? [])
  })
}

/** The query of a request; empty when it has none. */
export function queryOf({ url }: Request): URLSearchParams {
  const begin = url.indexOf('?')
  return new URLSearchParams(begin < 0 ? '' : url.slice(begin + 1))
}

/** `/api/v1/tasks/:id` in the notation of the document: `/api/v1/tasks/{id}`. */
function templateOf(route: string): string {
  return route.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')
}

type Queries = ReadonlyMap<string, ReadonlyMap<string, readonly Parameter[]>>

/** By path and method. Parameters of a path apply to each of its methods. */
function queriesOf(documented: Json): Queries {
  const inQuery = (from: unknown) =>
    (((from as Json)['parameters'] ?? []) as Parameter[]).filter((one) => one.in === 'query')
  return new Map(
    Object.entries(documented).map(([path, item]) => {
      const methods = Object.entries(item as Json).filter(([key]) => key !== 'parameters')
      const shared = inQuery(item)
      return [
        path,
        new Map(methods.map(([method, call]) => [method.toUpperCase(), [...shared, ...inQuery(call)]])),
      ]
    }),
  )
}

/** @throws Fault `invalid_request` naming the parameter. */
function requireKnown(query: URLSearchParams, known: readonly Parameter[]): void {
  const seen = new Set<string>()
  for (const [name, value] of query) {
    const field = shorten(name)
    const parameter = known.find((one) => one.name === name)
    if (!parameter) {
      const names = known.map((one) => one.name).join(', ')
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
    const allowed = parameter.schema.enum
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

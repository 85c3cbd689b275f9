import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import { Elysia } from 'elysia'
import { paths } from './openapi/openapi-document.ts'
import type { Json } from './openapi/schemas.ts'

/** A query parameter as the OpenAPI document has it. */
interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: { readonly enum?: readonly string[] }
}

/**
 * Refuses query parameters that are not in the OpenAPI document, are given twice, or have a value outside the enum there.
 * For each documented path, and every path except pages for people is documented (`openapi.test.ts`): a new route cannot
 * leave it out. gRPC-Web and Connect have rules of their own.
 */
export function validateQuery() {
  const calls = queriesOf(paths)
  return new Elysia({ name: 'documented-query' }).onBeforeHandle({ as: 'global' }, ({ request, route }) => {
    // Most calls have none.
    if (!request.url.includes('?')) return
    const item = calls.get(templateOf(route))
    if (item) requireKnown(queryOf(request), item.get(request.method) ?? item.get('GET') ?? [])
  })
}

/** The query of a request; empty without one. */
export function queryOf({ url }: Request): URLSearchParams {
  const begin = url.indexOf('?')
  return new URLSearchParams(begin < 0 ? '' : url.slice(begin + 1))
}

/** `/api/v1/tasks/:id` as the document writes it: `/api/v1/tasks/{id}`. */
function templateOf(route: string): string {
  return route.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')
}

type Queries = ReadonlyMap<string, ReadonlyMap<string, readonly Parameter[]>>

/** By path and method. Parameters of a path are those of each of its methods. */
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
            ? 'Leave it out: this call has no query parameters.'
            : `Leave it out: the query parameters of this call are ${names}.`,
      })
    }
    if (seen.has(name)) {
      throw new Fault('invalid_request', `The query parameter "${field}" is given more than once.`, {
        field,
        remedy: 'Give it once.',
      })
    }
    seen.add(name)
    const allowed = parameter.schema.enum
    if (allowed && !allowed.includes(value)) {
      throw new Fault('invalid_request', `${name} must be ${orOf(allowed)}, got "${shorten(value)}".`, {
        field,
        remedy: 'Give one of these values, or leave the parameter out.',
      })
    }
  }
}

function orOf(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

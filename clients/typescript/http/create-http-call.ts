import type { CallTypes } from '../http-calls.gen.ts'
import type { UnaryCaller } from '../unary-calls.ts'
import type { HttpCaller } from './http-caller.ts'

/** The facts of a call that the caller needs. */
interface HttpCall {
  /** Method and path, such as `GET /api/v1/tasks/{id}`. */
  readonly route: string
  /** Fields in the query. */
  readonly query?: readonly string[]
  /** The fields that are not in the path are sent as JSON. */
  readonly hasBody?: true
  readonly creates?: true
  /** A field of the response; absent for an empty one. */
  readonly returns?: string
}

/** Makes the calls of a table over HTTP: fields in the path, in the query, and in a JSON body. */
export function createHttpCall<Names extends keyof CallTypes>(
  { requestJson, requestEmpty }: HttpCaller,
  calls: Readonly<Record<Names, HttpCall>>,
): UnaryCaller<Names> {
  return async (name, input, options = {}) => {
    const { route, query = [], hasBody, creates, returns } = calls[name]
    const fields: Readonly<Record<string, unknown>> = { ...input }
    const [method, template = ''] = route.split(' ') as ['GET' | 'POST' | 'DELETE', string?]
    const path = template.replace(/\{(\w+)\}/g, (_, field: string) =>
      encodeURIComponent(String(fields[field])),
    )
    const { idempotencyKey } = options
    const request = {
      method,
      idempotencyKey,
      isRepeatable: !creates || idempotencyKey !== undefined,
      ...(hasBody ? { value: pick(fields, (field) => !template.includes(`{${field}}`)) } : {}),
    }
    const target = `${path}${toQuery(pick(fields, (field) => query.includes(field)))}`
    return (
      returns === undefined
        ? await requestEmpty(target, request, options)
        : await requestJson<Record<string, unknown>>(target, returns, request, options)
    ) as never
  }
}

/** The fields that have a value. */
function pick(fields: Readonly<Record<string, unknown>>, isWanted: (field: string) => boolean) {
  return Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== undefined && isWanted(field)),
  )
}

function toQuery(fields: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(fields).map(([name, value]) => [name, String(value)])
  return entries.length === 0 ? '' : `?${new URLSearchParams(Object.fromEntries(entries)).toString()}`
}

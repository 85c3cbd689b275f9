import { validate } from '@pixelflow/core/validation/validate'
import { toJsonSchema, type JsonSchema } from '@pixelflow/core/validation/json-schema'
import type { CallDeclaration } from '../../calls/declare-call.ts'
import { queryOf, requireKnownQuery } from './require-known-query.ts'

/** The fields of a call's input by their place in a request. */
export interface InputFields {
  readonly path: readonly string[]
  /** With the schema of each. */
  readonly query: Readonly<Record<string, JsonSchema>>
  readonly body: readonly string[]
}

/** Where REST expects each field of a call: in the path, in the JSON body if the call has one, or in the query. */
export function inputFieldsOf({ http, input }: CallDeclaration): InputFields {
  const { properties = {} } = toJsonSchema(input)
  const path = [...(http?.path.matchAll(/\{(\w+)\}/g) ?? [])].map(([, name = '']) => name)
  const others = Object.entries(properties).filter(([name]) => !path.includes(name))
  const isInBody = http?.body === 'json'
  return {
    path,
    query: isInBody ? {} : Object.fromEntries(others),
    body: isInBody ? others.map(([name]) => name) : [],
  }
}

/** Reads the input of a call from a request. */
export interface InputReader {
  /** Checks the names in the query, before a body is read. @throws Fault `invalid_request` naming the parameter. */
  checkQuery(request: Request): void
  /** @throws Fault `invalid_request` naming the field. */
  read(
    request: Request,
    parameters: Readonly<Record<string, string>>,
    body?: unknown,
  ): Readonly<Record<string, unknown>>
}

export function createInputReader(call: CallDeclaration): InputReader {
  const { path, query, body: inBody } = inputFieldsOf(call)
  const whole = inBody.length > 0 ? 'the body' : 'the query'
  // Most requests have no query.
  const readQuery = (request: Request) => {
    if (!request.url.includes('?')) return undefined
    const sent = queryOf(request)
    requireKnownQuery(sent, query)
    return sent
  }
  return {
    checkQuery: (request) => void readQuery(request),
    read(request, parameters, body) {
      const input: Record<string, unknown> = {}
      for (const name of path) input[name] = parameters[name]
      for (const [name, value] of readQuery(request) ?? [])
        input[name] = query[name]?.type === 'integer' ? toInteger(value) : value
      // Any other body than an object is refused as a whole.
      const value =
        inBody.length === 0 ? input : path.length === 0 || !isObject(body) ? body : { ...body, ...input }
      return validate(call.input, value, { whole })
    },
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Other text than a whole number stays as it is, and the schema refuses it. */
function toInteger(text: string): unknown {
  return /^[+-]?\d{1,16}$/.test(text) ? Number(text) : text
}

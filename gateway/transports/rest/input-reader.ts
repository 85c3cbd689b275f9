import type { z } from 'zod'
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

/** The schema of the fields that are in the JSON body. */
export function bodySchemaOf(call: CallDeclaration): z.ZodObject {
  const mask = Object.fromEntries(inputFieldsOf(call).body.map((name) => [name, true]))
  return call.input.pick(mask as never)
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

/** @throws Error when a field in path or query has a type that text cannot hold. */
export function createInputReader(call: CallDeclaration): InputReader {
  const { path, query, body: inBody } = inputFieldsOf(call)
  const { properties = {} } = toJsonSchema(call.input)
  const whole = inBody.length > 0 ? 'the body' : Object.keys(query).length > 0 ? 'the query' : 'the path'
  const readers = new Map(
    [...path, ...Object.keys(query)].map((name) => [name, textReaderOf(call.name, name, properties[name])]),
  )
  const fromText = (name: string, text: string | undefined) =>
    text === undefined ? undefined : readers.get(name)?.(text)
  const bodySchema = bodySchemaOf(call)
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
      for (const name of path) input[name] = fromText(name, parameters[name])
      for (const [name, value] of readQuery(request) ?? []) input[name] = fromText(name, value)
      if (inBody.length === 0) return validate(call.input, input, { whole })
      // Refused as a whole, or for a field that belongs in the path.
      if (!isObject(body) || path.some((name) => Object.hasOwn(body, name)))
        validate(bodySchema, body, { whole })
      return validate(call.input, { ...(body as object), ...input }, { whole })
    },
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How a field is read from text. Text of another form stays as it is, and the schema refuses it. */
function textReaderOf(
  call: string,
  name: string,
  { type, anyOf }: JsonSchema = {},
): (text: string) => unknown {
  switch (type) {
    case 'string':
      return (text) => text
    case 'integer':
      return (text) => (/^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text)
    case 'number':
      return (text) => (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : text)
    case 'boolean':
      return (text) => (text === 'true' ? true : text === 'false' ? false : text)
    default:
      throw new Error(
        `${call}: "${name}" cannot be in a path or query, because it is ${anyOf ? 'one of several types' : type}.`,
      )
  }
}

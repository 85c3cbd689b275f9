import type { z } from 'zod'
import type { CallDeclaration, UnaryCall } from '@pixelflow/gateway/calls/declare-call'
import { bodySchemaOf, inputFieldsOf } from '@pixelflow/gateway/transports/rest/input-reader'
import { ref, type Json } from './ref.ts'
import {
  etagHeader,
  idempotencyFaults,
  idempotencyKeyHeader,
  ifNoneMatchParameter,
  jsonResponse,
  locationHeader,
  notModified,
  originProblems,
  positionHeaders,
  positionParameter,
  problemResponses,
  queryProblem,
} from './responses.ts'
import { outputSchemas } from './schemas.ts'
import { httpBodies, type HttpBody } from './http-bodies.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

/** The operations of a declared call by HTTP method in lower case: one, or two when HEAD has its own. */
export function operationsOf(call: CallDeclaration): Json {
  const { http, name, summary } = call
  if (http === undefined) return {}
  const body = call.kind === 'unary' ? unaryBody(call) : streamBody(name)
  const operation = (id: string, title: string, responses: Json) => ({
    tags: [call.tag],
    ...(call.access === 'public' || call.access === 'probe' ? { security: [] } : {}),
    operationId: id,
    summary: title,
    ...(call.description === undefined ? {} : { description: call.description }),
    ...listIfAny('parameters', parametersOf(call, body)),
    ...(body.requestBody === undefined ? {} : { requestBody: body.requestBody }),
    // Also a HEAD request gets these statuses.
    responses: { ...problemsOf(call), ...responses },
  })
  return {
    [http.method.toLowerCase()]: operation(name, summary, body.responses),
    ...(http.head
      ? { head: operation(http.head.name, http.head.summary, body.headResponses ?? body.responses) }
      : {}),
  }
}

/** @throws Error for a streaming call whose body nothing describes. */
function streamBody(name: string): HttpBody {
  const found = httpBodies[name]
  if (found) return found
  throw new Error(`docs/openapi/http-bodies.ts does not describe what ${name} sends and receives.`)
}

/** The parameters of the path of a call. */
export function pathParametersOf(call: CallDeclaration): Json[] {
  const schemas = parameterSchemas(call)
  return inputFieldsOf(call).path.map((name) => ({
    ...parameter(name, 'path', schemas[name] ?? {}),
    required: true,
  }))
}

function parametersOf(call: CallDeclaration, { parameters = [] }: HttpBody): Json[] {
  const schemas = parameterSchemas(call)
  const inQuery = Object.keys(inputFieldsOf(call).query).map((name) =>
    parameter(name, 'query', schemas[name] ?? {}),
  )
  return [
    ...inQuery,
    ...parameters,
    ...(call.creates ? [idempotencyKeyHeader] : []),
    ...(call.readsAtPosition ? [positionParameter] : []),
  ]
}

/** The fields of a call's input, with references to the schemas that have a name. */
function parameterSchemas({ input }: CallDeclaration): Record<string, Json> {
  const { parameters } = toComponentSchemas({ ...outputSchemas, parameters: input }, 'parameters')
  return (parameters?.['properties'] ?? {}) as Record<string, Json>
}

function parameter(name: string, place: 'path' | 'query', { description, examples, ...schema }: Json): Json {
  const [example] = (examples ?? []) as unknown[]
  return {
    name,
    in: place,
    ...(description === undefined ? {} : { description }),
    schema,
    ...(example === undefined ? {} : { example }),
  }
}

function unaryBody(call: UnaryCall): HttpBody {
  const { output, response, writes, name } = call
  const { description, example, location, isConstant } = response
  const headers = {
    ...(location ? locationHeader : {}),
    ...(writes ? positionHeaders : {}),
    ...(isConstant ? etagHeader : {}),
  }
  const status = response.status ?? (output === null ? 204 : 200)
  const success =
    output === null
      ? { description, ...(writes ? { headers } : {}) }
      : jsonResponse(description, schemaOf(output), example, headers)
  const requestBody = httpBodies[name]?.requestBody ?? jsonRequestBody(call)
  return {
    ...(requestBody === undefined ? {} : { requestBody }),
    ...(isConstant ? { parameters: [ifNoneMatchParameter] } : {}),
    responses: { [status]: success, ...(isConstant ? notModified : {}) },
  }
}

/** The JSON body of a call that has one. */
function jsonRequestBody(call: UnaryCall): Json | undefined {
  if (inputFieldsOf(call).body.length === 0) return undefined
  const { body: schema } = toComponentSchemas({ ...outputSchemas, body: bodySchemaOf(call) }, 'input')
  return { required: true, content: { 'application/json': { schema } } }
}

/** The name of a schema in the document; a schema without a name is written where it is used. */
function schemaOf(schema: z.ZodType): Json {
  const [name] = Object.entries(outputSchemas).find(([, one]) => one === schema) ?? []
  if (name !== undefined) return ref(name)
  return toComponentSchemas({ ...outputSchemas, inline: schema }, 'output').inline
}

function problemsOf({ access, http, faults = [], creates }: CallDeclaration): Json {
  if (access === 'probe') return queryProblem
  if (http?.path.startsWith('/api/') !== true && access === 'public') return originProblems
  return problemResponses(...faults, ...(creates ? idempotencyFaults : []))
}

function listIfAny(key: string, values: readonly Json[]): Json {
  return values.length === 0 ? {} : { [key]: values }
}

import type { z } from 'zod'
import type { CallDeclaration, UnaryCall } from '@pixelflow/gateway/calls/declare-call'
import { inputFieldsOf } from '@pixelflow/gateway/transports/rest/input-reader'
import { ref, type Json } from './ref.ts'
import {
  idempotencyFaults,
  idempotencyKeyHeader,
  jsonResponse,
  locationHeader,
  originProblems,
  positionHeaders,
  positionParameter,
  problemResponses,
  queryProblem,
} from './responses.ts'
import { outputSchemas } from './schemas.ts'
import { streamBodies, type StreamBody } from './stream-bodies.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

/** The operations of a declared call by HTTP method in lower case: one, or two when HEAD has its own. */
export function operationsOf(call: CallDeclaration): Json {
  const { http, name, summary } = call
  if (http === undefined) return {}
  const body = call.kind === 'unary' ? unaryBody(call) : (streamBodies[name] ?? { responses: {} })
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

/** The parameters of the path of a call. */
export function pathParametersOf(call: CallDeclaration): Json[] {
  const schemas = parameterSchemas(call)
  return inputFieldsOf(call).path.map((name) => ({
    ...parameter(name, 'path', schemas[name] ?? {}),
    required: true,
  }))
}

function parametersOf(call: CallDeclaration, { parameters = [] }: StreamBody): Json[] {
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

function unaryBody({ http, output, response, creates, writes, name }: UnaryCall): StreamBody {
  const { description, example, location } = response
  const headers = {
    ...(location && creates ? locationHeader : {}),
    ...(writes ? positionHeaders : {}),
  }
  const status = response.status ?? (output === null ? 204 : 200)
  const success =
    output === null
      ? { description, ...(writes ? { headers } : {}) }
      : jsonResponse(description, schemaOf(output), example, headers)
  const stream = streamBodies[name]
  return {
    ...(http?.body === 'json' && stream?.requestBody ? { requestBody: stream.requestBody } : {}),
    responses: { [status]: success },
  }
}

/** The name of a schema in the document; a schema without a name is written where it is used. */
function schemaOf(schema: z.ZodType): Json {
  const [name] = Object.entries(outputSchemas).find(([, one]) => one === schema) ?? []
  if (name !== undefined) return ref(name)
  return toComponentSchemas({ ...outputSchemas, inline: schema }, 'output').inline
}

function problemsOf({ access, http, faults, creates }: CallDeclaration): Json {
  if (access === 'probe') return queryProblem
  if (http?.path.startsWith('/api/') !== true && access === 'public') return originProblems
  return problemResponses(...faults, ...(creates ? idempotencyFaults : []))
}

function listIfAny(key: string, values: readonly Json[]): Json {
  return values.length === 0 ? {} : { [key]: values }
}

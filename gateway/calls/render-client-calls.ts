import { getOption, hasOption, type DescMessage, type DescMethod } from '@bufbuild/protobuf'
import * as inputs from '@pixelflow/core/inputs'
import * as views from '@pixelflow/core/views'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import { http } from '@pixelflow/proto/google/api/annotations_pb'
import { TaskEventSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Absence } from '@pixelflow/proto/message-json'
import { z } from 'zod'
import { inputFieldsOf } from '../transports/rest/input-reader.ts'
import * as calls from './calls.gen.ts'
import type { Call, UnaryCall } from './declare-call.ts'

/**
 * What the TypeScript client must know of each unary call: where its input goes, whether it is safe to repeat, and the types
 * of input and output. The client is typed by the schemas in `core` and needs no code of a call.
 */

const header = '// Generated from the declarations of calls in gateway: `./pixelflow verify --write`.\n'

const unary = (Object.values(calls) as Call[]).filter((call): call is UnaryCall => call.kind === 'unary')

/** `clients/typescript/http-calls.gen.ts` */
export function renderClientCalls(): string {
  const rows = unary.map((call) => {
    const query = Object.keys(inputFieldsOf(call).query)
    // Facts that are absent keep the bundle of a page small.
    const facts = {
      route: `${call.http?.method} ${call.http?.path}`,
      ...(query.length > 0 ? { query } : {}),
      ...(call.http?.body === undefined ? {} : { hasBody: true }),
      ...(call.creates === undefined ? {} : { creates: true }),
      ...(call.output === null ? {} : { returns: requiredFieldOf(call.output) }),
    }
    return `  ${call.name}: ${JSON.stringify(facts)},`
  })
  const types = unary.map(({ name, input, output }) => {
    const result = output === null ? 'undefined' : `OutputOf<typeof views.${exportName(views, output, name)}>`
    return `  ${name}: { input: InputOf<typeof inputs.${exportName(inputs, input, name)}>; output: ${result} }`
  })
  const overGrpc = unary.filter(({ rpc }) => rpc !== undefined).map(({ name }) => `'${name}'`)
  return [
    header,
    "import type { InputOf, OutputOf } from '@pixelflow/core/component'",
    "import type * as inputs from '@pixelflow/core/inputs'",
    "import type * as views from '@pixelflow/core/views'",
    '',
    '/** How each call is made over HTTP. */',
    'export const httpCalls = {',
    ...rows,
    '} as const',
    '',
    'export interface CallTypes {',
    ...types,
    '}',
    '',
    'export type HttpCallName = keyof CallTypes',
    '/** Calls that both protocols have. */',
    `export type CallName = ${overGrpc.join(' | ')}`,
    '',
  ].join('\n')
}

/** `clients/typescript/grpc/rpc-calls.gen.ts` */
export function renderRpcCalls(): string {
  const withMethod = unary.filter(
    (call): call is UnaryCall & { readonly rpc: DescMethod } => call.rpc !== undefined,
  )
  const services = [...new Set(withMethod.map(({ rpc }) => rpc.parent))]
  const absences = new Map<string, Record<string, Absence>>()
  addAbsences(absences, TaskEventSchema, views.eventView.extend({ token: z.string() }))
  for (const { rpc, output } of withMethod)
    if (output !== null) addAbsences(absences, responseOf(rpc), output)
  return [
    header,
    ...services.map(({ name, file }) => `import { ${name} } from '@pixelflow/proto/${file.name}_pb'`),
    '',
    '/** The method of each call, and the field of its response that holds the output; empty for the whole response. */',
    'export const rpcCalls = {',
    ...withMethod.map(
      ({ name, rpc }) =>
        `  ${name}: { method: ${rpc.parent.name}.method.${rpc.localName}, field: '${responseFieldOf(rpc)}' },`,
    ),
    '} as const',
    '',
    '/** Fields of responses that may have no value, by message, and what that means. */',
    'export const absences = {',
    ...[...absences]
      .filter(([, fields]) => Object.keys(fields).length > 0)
      .map(([message, fields]) => `  '${message}': ${JSON.stringify(fields)},`),
    '} as const',
    '',
  ].join('\n')
}

/** A field that every output has: a body without it comes from another server. */
function requiredFieldOf(output: z.ZodType): string {
  const { required = [] } = toJsonSchema(output)
  const [first = ''] = required.filter((name) => name !== 'id')
  return first
}

function exportName(module: object, schema: z.ZodType, call: string): string {
  const found = Object.entries(module).find(([, value]) => value === schema)
  if (found === undefined)
    throw new Error(`The input or output of ${call} is not exported by core/inputs or core/views.`)
  return found[0]
}

function responseFieldOf(method: DescMethod): string {
  return hasOption(method, http) ? getOption(method, http).responseBody : ''
}

function responseOf(method: DescMethod): DescMessage {
  const field = method.output.fields.find(({ name }) => name === responseFieldOf(method))
  return field?.message ?? method.output
}

/** Compares a schema with its message, and collects the fields that may have no value. @throws Error when they differ. */
function addAbsences(
  found: Map<string, Record<string, Absence>>,
  message: DescMessage,
  schema: z.ZodType,
): void {
  const { inner } = unwrap(schema)
  if (!(inner instanceof z.ZodObject) || found.has(message.typeName)) return
  const shape = inner.shape as Readonly<Record<string, z.ZodType>>
  const names = message.fields.map(({ jsonName }) => jsonName)
  const differing = [...new Set([...names, ...Object.keys(shape)])].filter(
    (name) => !names.includes(name) || !Object.hasOwn(shape, name),
  )
  if (differing.length > 0)
    throw new Error(`${message.typeName} and its schema differ in ${differing.join(', ')}.`)
  const fields: Record<string, Absence> = {}
  found.set(message.typeName, fields)
  for (const field of message.fields) {
    const { inner: value, absence } = unwrap(shape[field.jsonName] as z.ZodType)
    if (absence !== undefined) fields[field.jsonName] = absence
    const item = value instanceof z.ZodArray ? (value.element as z.ZodType) : value
    if (field.message && !field.message.typeName.startsWith('google.protobuf.'))
      addAbsences(found, field.message, item)
  }
}

/** The schema without what says that a value may be missing. */
function unwrap(schema: z.ZodType): { readonly inner: z.ZodType; readonly absence?: Absence } {
  const inside = (wrapper: { unwrap(): unknown }, absence?: Absence) => {
    const { inner, absence: deeper } = unwrap(wrapper.unwrap() as z.ZodType)
    return {
      inner,
      ...(absence === undefined && deeper === undefined ? {} : { absence: absence ?? deeper ?? 'optional' }),
    }
  }
  if (schema instanceof z.ZodOptional) return inside(schema, 'optional')
  if (schema instanceof z.ZodNullable) return inside(schema, 'nullable')
  if (schema instanceof z.ZodReadonly) return inside(schema)
  if (schema instanceof z.ZodDefault) return inside(schema, { default: schema.def.defaultValue })
  return { inner: schema }
}

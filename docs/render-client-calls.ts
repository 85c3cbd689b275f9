import type { DescMethod } from '@bufbuild/protobuf'
import * as inputs from '@pixelflow/core/inputs'
import * as views from '@pixelflow/core/views'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import type { z } from 'zod'
import { inputFieldsOf } from '@pixelflow/gateway/transports/rest/input-reader'
import * as calls from '@pixelflow/gateway/calls/calls.gen'
import type { CallDeclaration, UnaryCall } from '@pixelflow/gateway/calls/declare-call'
import { findAbsences } from './find-absences.ts'
import { responseFieldOf } from '@pixelflow/gateway/calls/output-message'

/**
 * What the TypeScript client must know of each unary call: where its input goes, whether it is safe to repeat, and the types
 * of input and output. The client is typed by the schemas in `core` and needs no code of a call.
 */

const header = '// Generated from the declarations of calls in gateway: `./pixelflow verify --write`.\n'

const unary = (Object.values(calls) as CallDeclaration[]).filter(
  (call): call is UnaryCall => call.kind === 'unary',
)

/** `clients/typescript/http-calls.gen.ts` */
export function renderClientCalls(): string {
  const [ofOperators, ofAll] = partition(unary, ({ tag, rpc }) => tag === 'admin' && rpc === undefined)
  const rowOf = (call: UnaryCall) => {
    const query = Object.keys(inputFieldsOf(call).query)
    // Facts that are absent keep the bundle of a page small.
    const facts = {
      route: `${call.http.method} ${call.http.path}`,
      ...(query.length > 0 ? { query } : {}),
      ...(call.http.body === undefined ? {} : { hasBody: true }),
      ...(call.creates === undefined ? {} : { creates: true }),
      ...(call.output === null ? {} : { returns: requiredFieldOf(call.name, call.output) }),
    }
    return `  ${call.name}: ${JSON.stringify(facts)},`
  }
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
    ...ofAll.map(rowOf),
    '} as const',
    '',
    '/** The calls of operators: a table of its own, so that the bundle of a page is without it. */',
    'export const adminCalls = {',
    ...ofOperators.map(rowOf),
    '} as const',
    '',
    'export interface CallTypes {',
    ...types,
    '}',
    '',
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
    ...Object.entries(findAbsences())
      .filter(([, fields]) => Object.keys(fields).length > 0)
      .map(([message, fields]) => `  '${message}': ${JSON.stringify(fields)},`),
    '} as const',
    '',
  ].join('\n')
}

function partition<T>(values: readonly T[], holds: (value: T) => boolean): [those: T[], others: T[]] {
  return [values.filter(holds), values.filter((one) => !holds(one))]
}

/** A field that every output has: a body without it comes from another server. */
function requiredFieldOf(name: string, output: z.ZodType): string {
  const { required = [] } = toJsonSchema(output)
  const found = required.find((field) => field !== 'id') ?? required[0]
  if (found !== undefined) return found
  throw new Error(`The output of ${name} has no required field, so a client cannot recognise it.`)
}

function exportName(module: object, schema: z.ZodType, call: string): string {
  const found = Object.entries(module).find(([, value]) => value === schema)
  if (found === undefined)
    throw new Error(`The input or output of ${call} is not exported by core/inputs or core/views.`)
  return found[0]
}

import {
  create,
  toBinary,
  type DescMethod,
  type DescService,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import { validate } from '@pixelflow/core/validation/validate'
import { fromRequest, toMessage, type MessageJson } from '@pixelflow/proto/message-json'
import type { z } from 'zod'
import * as calls from '../../calls/calls.gen.ts'
import type { CallDeclaration, UnaryCall } from '../../calls/declare-call.ts'
import { responseFieldOf } from '../../calls/output-message.ts'
import { maxMessageBytes } from '../../calls/max-request-bytes.ts'
import { anonymous, needsAccount, type CallInput, type CallRunner } from '../../calls/call-runner.ts'
import type { Call } from './implementation.ts'
import { refuseMessage } from './refuse-message.ts'
import { missingKind, plainValue } from './plain-value.ts'
import { protoField } from './proto-field.ts'

/** A method with one request and one response. */
export type UnaryMethod = (message: Message, call: Call) => Promise<object>

/** The methods of the declared unary calls of a service, by their names in code. */
export function callMethods(service: DescService, runner: CallRunner): Record<string, UnaryMethod> {
  const methods = (Object.values(calls) as CallDeclaration[]).flatMap((call) =>
    call.kind === 'unary' && call.rpc?.parent === service
      ? [[call.rpc.localName, methodOf(call, call.rpc, runner)]]
      : [],
  )
  return Object.fromEntries(methods) as Record<string, UnaryMethod>
}

function methodOf(declared: UnaryCall, method: DescMethod, runner: CallRunner): UnaryMethod {
  const wrap = createWrapper(method)
  const isForAccount = needsAccount(declared.access)
  const isPaged = declared.output !== null && 'next' in (toJsonSchema(declared.output).properties ?? {})
  return async (message, call) => {
    const who = isForAccount ? call.principal() : anonymous
    const input: CallInput = readInput({ input: declared.input, rpc: method }, message)
    for (let limit = input['limit']; ; limit = Math.ceil((limit as number) / 2)) {
      const { value, position } = await runner.run(declared, who, isPaged ? { ...input, limit } : input, call)
      call.recordPosition(position)
      const response = wrap(value)
      // A page of long items can be larger than clients accept. The cursor continues from a shorter page.
      if (!isPaged || limit === 1 || sizeOf(method, response) < maxMessageBytes) return response
    }
  }
}

/** A declared call with a method. */
type RpcCall = Pick<CallDeclaration, 'input'> & { readonly rpc: DescMethod }

/** Validates a request message with the schema of its call. @throws Fault `invalid_request` naming the proto field. */
export function readInput<C extends RpcCall>({ input, rpc }: C, message: Message): z.output<C['input']> {
  const json = fromRequest(rpc.input, message, { refuse: refuseMessage, readValue: plainValue })
  const { required = [] } = toJsonSchema(input)
  for (const { message: type, jsonName } of rpc.input.fields) {
    // A value that is not sent has no kind either, and is refused like one.
    if (type?.typeName === ValueSchema.typeName && required.includes(jsonName)) json[jsonName] ??= missingKind
  }
  const nameField = (path: readonly PropertyKey[]) => protoField(rpc.input, path)
  return validate(input, json, { whole: 'the message', nameField }) as z.output<C['input']>
}

/** Puts an output into the response message: into the field that REST returns as its body, if there is one. */
function createWrapper(method: DescMethod): (value: unknown) => object {
  const { output } = method
  const field = responseFieldOf(method)
  return (value) => {
    if (value === undefined) return {}
    return toMessage(output, field === '' ? (value as MessageJson) : { [field]: value })
  }
}

function sizeOf({ output }: DescMethod, response: object): number {
  return toBinary(output, create(output, response as MessageInitShape<typeof output>)).length
}

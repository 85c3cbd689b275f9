import { create, type DescMessage } from '@bufbuild/protobuf'
import { fromResponse, toMessage } from '@pixelflow/proto/message-json'
import { httpCalls } from '../http-calls.gen.ts'
import { notPixelflowError } from '../pixelflow-error.ts'
import { retryCall } from '../retry-call.ts'
import type { UnaryCaller } from '../unary-calls.ts'
import type { GrpcCaller, Method } from './grpc-caller.ts'
import { absences, rpcCalls } from './rpc-calls.gen.ts'

/** Makes calls over gRPC, as they are declared. */
export function createGrpcCall({ unary, address }: GrpcCaller): UnaryCaller {
  return async (name, input, options = {}) => {
    const { method, field } = rpcCalls[name] as {
      readonly method: Method<DescMessage, DescMessage>
      readonly field: string
    }
    const request = create(method.input, toMessage(method.input, input as Record<string, unknown>))
    // The service config retries the other calls. It cannot retry these: its policies apply to whole methods.
    const isKeyed = 'creates' in httpCalls[name] && options.idempotencyKey !== undefined
    const response = await retryCall({ retries: isKeyed ? 3 : 0 }, options.signal, () =>
      unary(method, request, options),
    )
    const output: Record<string, unknown> = fromResponse(method.output, response, absences)
    const isEmpty = method.output.fields.length === 0
    return (isEmpty ? undefined : field === '' ? output : requireField(output, field, address)) as never
  }
}

function requireField(output: Readonly<Record<string, unknown>>, field: string, address: string): unknown {
  if (output[field] !== undefined) return output[field]
  throw notPixelflowError(address, `the response lacks \`${field}\``, 'Check the address.')
}

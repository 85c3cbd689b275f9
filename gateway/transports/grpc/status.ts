import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import type { Fault } from '@pixelflow/core/fault'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'

/** Names that gRPC has for fields of a fault. Other fields have the same name everywhere. */
const grpcFields: ReadonlyMap<string, string> = new Map([
  ['media_type', 'metadata.media_type'],
  ['host', ':authority'],
])

/** Converts a fault to google.rpc.Status: code, message, and typed details. The cause stays in the server. */
export function toStatus(fault: Fault, requestId: string) {
  const { field, remedy, retryAfterMs } = fault.hints
  const details = [
    detail(ErrorInfoSchema, { reason: fault.code, domain: 'pixelflow', metadata: {} }),
    detail(RequestInfoSchema, { requestId }),
  ]
  if (field !== undefined) {
    const violation = {
      field: grpcFields.get(field) ?? field,
      description: fault.message,
      reason: fault.code,
    }
    details.push(detail(BadRequestSchema, { fieldViolations: [violation] }))
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: Math.round(retryAfterMs % 1000) * 1_000_000,
    }
    details.push(detail(RetryInfoSchema, { retryDelay }))
  }
  if (remedy !== undefined) details.push(detail(LocalizedMessageSchema, { locale: 'en', message: remedy }))
  return create(StatusSchema, { code: fault.row.grpc, message: fault.message, details })
}

/** The value of the `grpc-status-details-bin` trailer. */
export function statusBytes(fault: Fault, requestId: string): Uint8Array {
  return toBinary(StatusSchema, toStatus(fault, requestId))
}

function detail<D extends DescMessage>(schema: D, value: MessageInitShape<D>) {
  return anyPack(schema, create(schema, value))
}

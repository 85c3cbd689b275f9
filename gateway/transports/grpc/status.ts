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

/** Fields by the name they have in HTTP, and what stands for them here. */
const named: ReadonlyMap<string, string> = new Map([
  ['Content-Type', 'metadata.media_type'],
  ['Last-Event-ID', 'after'],
  ['Authorization', 'authorization'],
  ['Host', ':authority'],
])

/** A fault as google.rpc.Status: canonical code, detail for people, details for programs. Its cause stays here. */
export function toStatus(fault: Fault, requestId: string) {
  const { field, remedy, retryAfterMs } = fault.place
  const details = [
    detail(ErrorInfoSchema, { reason: fault.code, domain: 'pixelflow', metadata: {} }),
    detail(RequestInfoSchema, { requestId }),
  ]
  if (field !== undefined) {
    const violation = { field: named.get(field) ?? field, description: fault.message, reason: fault.code }
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

/** The value of `grpc-status-details-bin`. */
export function statusBytes(fault: Fault, requestId: string): Uint8Array {
  return toBinary(StatusSchema, toStatus(fault, requestId))
}

function detail<D extends DescMessage>(schema: D, value: MessageInitShape<D>) {
  return anyPack(schema, create(schema, value))
}

import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt'
import { status, type ServiceError } from '@grpc/grpc-js'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'
import { notPixelflowError, PixelflowError, unreachableError, type ErrorCode } from '../pixelflow-error.ts'

/** Converts a gRPC status to the error that the same call throws over HTTP. Returns any other value unchanged. */
export function mapGrpcError(thrown: unknown, address: string): unknown {
  if (!isServiceError(thrown)) return thrown
  const { code, details: message, metadata } = thrown
  const [bytes] = metadata.get('grpc-status-details-bin')
  const details = bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes).details : []
  const info = findDetail(details, ErrorInfoSchema)
  const [id] = metadata.get('x-request-id')
  const request = findDetail(details, RequestInfoSchema)
  const requestId = request?.requestId ?? (typeof id === 'string' ? id : undefined)
  // A status without PixelFlow details comes from the channel, a proxy or another server.
  if (info?.domain !== 'pixelflow') return mapPlainStatus(code, message, address, requestId, thrown)
  const delay = findDetail(details, RetryInfoSchema)?.retryDelay
  return new PixelflowError(toErrorCode(info.reason), message, {
    requestId,
    cause: thrown,
    ...defined('traceId', request?.servingData),
    ...defined('field', findDetail(details, BadRequestSchema)?.fieldViolations[0]?.field),
    ...defined('remedy', findDetail(details, LocalizedMessageSchema)?.message),
    ...defined('retryAfterMs', delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6),
  })
}

/** The reason of google.rpc.ErrorInfo, such as `INVALID_RECIPE`, as the `code` of REST problems, `invalid_recipe`. */
function toErrorCode(reason: string): ErrorCode {
  return reason.toLowerCase()
}

/** Maps a status without PixelFlow details by its code. The message is only for people to read. */
function mapPlainStatus(
  code: status,
  message: string,
  address: string,
  requestId: string | undefined,
  cause: unknown,
): PixelflowError {
  if (code === status.UNAVAILABLE) return unreachableError(address, cause)
  if (code === status.UNIMPLEMENTED || code === status.UNKNOWN)
    return notPixelflowError(
      address,
      message,
      'Check the address and the port: the gRPC port differs from the HTTP port.',
      { requestId, cause },
    )
  return new PixelflowError(codes[code] ?? 'internal', message, { requestId, cause })
}

const codes: Readonly<Record<number, string>> = {
  [status.CANCELLED]: 'cancelled',
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [status.NOT_FOUND]: 'not_found',
  [status.PERMISSION_DENIED]: 'forbidden',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.RESOURCE_EXHAUSTED]: 'queue_full',
  [status.INVALID_ARGUMENT]: 'invalid_request',
}

function findDetail<Schema extends Parameters<typeof anyUnpack>[1]>(details: readonly Any[], schema: Schema) {
  for (const detail of details) {
    const message = anyUnpack(detail, schema)
    if (message) return message
  }
  return undefined
}

function defined<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Record<K, V>)
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'metadata' in thrown
  )
}

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
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'

/** Converts a gRPC status to the error that the same call throws over HTTP. Returns any other value unchanged. */
export function mapGrpcError(thrown: unknown, address: string): unknown {
  if (!isServiceError(thrown)) return thrown
  const { code, details: text, metadata } = thrown
  const [bytes] = metadata.get('grpc-status-details-bin')
  const details = bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes).details : []
  const info = found(details, ErrorInfoSchema)
  const [id] = metadata.get('x-request-id')
  const requestId = found(details, RequestInfoSchema)?.requestId ?? (typeof id === 'string' ? id : undefined)
  // A status without PixelFlow details comes from the channel, a proxy or another server.
  if (info?.domain !== 'pixelflow') return plain(code, text, address, requestId, thrown)
  const delay = found(details, RetryInfoSchema)?.retryDelay
  return new PixelflowError(info.reason, text, {
    requestId,
    cause: thrown,
    ...defined('field', found(details, BadRequestSchema)?.fieldViolations[0]?.field),
    ...defined('remedy', found(details, LocalizedMessageSchema)?.message),
    ...defined('retryAfterMs', delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6),
  })
}

function plain(code: status, text: string, address: string, requestId: string | undefined, cause: unknown) {
  if (code === status.UNAVAILABLE) return unreachableError(address, cause, reasonIn(text))
  if (code === status.UNIMPLEMENTED || code === status.UNKNOWN)
    return new PixelflowError('not_pixelflow', `What answers at ${address} is no PixelFlow server: ${text}`, {
      remedy: 'Check the address and its port; gRPC has a port of its own.',
      requestId,
      cause,
    })
  return new PixelflowError(codes[code] ?? 'internal', text, { requestId, cause })
}

/** Extracts the last connection error from the channel's status message, for display only. */
function reasonIn(text: string): string | undefined {
  return /^.*Error(?: \[\w+\])?: (.+?)\.?(?: Resolution note:.*)?$/.exec(text)?.[1]
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

function found<Schema extends Parameters<typeof anyUnpack>[1]>(details: readonly Any[], schema: Schema) {
  for (const one of details) {
    const message = anyUnpack(one, schema)
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

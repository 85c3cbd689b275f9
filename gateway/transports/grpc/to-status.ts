import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import type { Fault, FaultCode } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'
import { translateField, type RequestField } from '../../request-field.ts'

/** Keys of the metadata of a call, and fields of its messages. */
const grpcFields: Readonly<Record<RequestField, string>> = {
  '@authorization': 'authorization',
  '@fetch_site': 'sec-fetch-site',
  '@host': ':authority',
  '@idempotency_key': 'idempotency-key',
  '@media_type': 'metadata.media_type',
  '@origin': 'origin',
  '@position': positionHeader,
  '@sha256': 'commit.sha256',
}

/** A detail of an error, with the descriptor of its message. */
interface StatusDetail {
  readonly desc: DescMessage
  readonly value: MessageInitShape<DescMessage>
}

/** The code as a google.rpc reason: AIP-193 requires UPPER_SNAKE_CASE, e.g. `INVALID_RECIPE` for `invalid_recipe`. */
function toReason(code: FaultCode): string {
  return code.toUpperCase()
}

/** What a client reports of a call, so that operators find it in logs and traces. */
export interface CallIds {
  readonly requestId: string
  /** Undefined where traces are not recorded. */
  readonly traceId?: string | undefined
}

/** The typed details of a fault. The cause stays in the server. */
export function detailsOf(fault: Fault, { requestId, traceId = '' }: CallIds): StatusDetail[] {
  const { field, remedy, retryAfterMs } = fault.hints
  const reason = toReason(fault.code)
  const details: StatusDetail[] = [
    { desc: ErrorInfoSchema, value: { reason, domain: 'pixelflow', metadata: {} } },
    { desc: RequestInfoSchema, value: { requestId, servingData: traceId } },
  ]
  if (field !== undefined) {
    const violation = { field: translateField(field, grpcFields), description: fault.message, reason }
    details.push({ desc: BadRequestSchema, value: { fieldViolations: [violation] } })
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: Math.round(retryAfterMs % 1000) * 1_000_000,
    }
    details.push({ desc: RetryInfoSchema, value: { retryDelay } })
  }
  if (remedy !== undefined) {
    details.push({ desc: LocalizedMessageSchema, value: { locale: 'en', message: remedy } })
  }
  return details
}

/** Converts a fault to google.rpc.Status: code, message, and typed details. */
export function toStatus(fault: Fault, ids: CallIds) {
  const details = detailsOf(fault, ids).map(({ desc, value }) => anyPack(desc, create(desc, value)))
  return create(StatusSchema, { code: fault.row.grpc, message: fault.message, details })
}

/** The value of the `grpc-status-details-bin` trailer. */
export function statusBytes(fault: Fault, ids: CallIds): Uint8Array {
  return toBinary(StatusSchema, toStatus(fault, ids))
}
